//! The program: see `pilothouse::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pilothouse::cli::run::start(std::env::args_os()))
}
