//! Where the real environment is, or a word about what is left out without it.

use std::io::Write;

/// The environment's variable, or `None` after saying what is left out.
pub fn variable(name: &str, left_out: &str) -> Option<String> {
    if let Ok(value) = std::env::var(name) {
        return Some(value);
    }
    assert!(
        std::env::var("PILOTHOUSE_TEST_REQUIRE").as_deref() != Ok("1"),
        "{name} is not set, and nothing may be left out"
    );
    println!("left out: {left_out} ({name} is not set)");
    if let Ok(file) = std::env::var("PILOTHOUSE_TEST_LEFT_OUT") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
        writeln!(file, "{left_out} ({name} is not set)").unwrap();
    }
    None
}
