//! The program: see `pilothouse::cli`.

fn main() {}
