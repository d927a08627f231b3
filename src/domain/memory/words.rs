//! The words of a text that say something about a fault, whichever object they are said of.

use crate::domain::redaction::redact;
use std::collections::BTreeMap;

/// Words of one case that count; a log may be long.
const MOST: usize = 2_000;
/// Longer ones are no words.
const LONGEST: usize = 32;
/// A number after one of these says what went wrong.
const TELLING: &[&str] = &["exit", "code", "status", "http", "errno", "signal", "error"];
/// Words that say nothing.
const EMPTY: &[&str] = &[
    "the", "of", "in", "on", "at", "to", "and", "or", "is", "was", "are", "were", "be", "by",
    "for", "from", "with", "that", "this", "it", "its", "as", "an", "last", "since", "has", "have",
    "had",
];

/// Words, pairs of words, and numbers that tell (`exit 137`), each with how often it stands there. Secrets are hidden
/// first; what has a digit in it (names of pods, times, addresses) and `left_out` (names) do not count.
pub(super) fn of(texts: &[&str], left_out: &[&str]) -> BTreeMap<String, u32> {
    let mut counted = BTreeMap::new();
    let mut room = MOST;
    for text in texts {
        let text = redact(text).to_lowercase();
        let mut before = None::<&str>;
        for word in text.split(|letter: char| !letter.is_alphanumeric()) {
            if room == 0 {
                return counted;
            }
            if word.is_empty() || EMPTY.contains(&word) {
                continue;
            }
            let number = word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit());
            if number && let Some(what) = before.filter(|before| TELLING.contains(before)) {
                *counted.entry(format!("{what} {word}")).or_default() += 1;
                room -= 1;
                continue;
            }
            let named = left_out.iter().any(|name| name.split('-').any(|part| part == word));
            let fits = (2..=LONGEST).contains(&word.len());
            if named || !fits || word.chars().any(char::is_numeric) {
                before = None;
                continue;
            }
            *counted.entry(word.to_string()).or_default() += 1;
            if let Some(before) = before {
                *counted.entry(format!("{before} {word}")).or_default() += 1;
            }
            before = Some(word);
            room -= 1;
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        of(&[text], &["ledger-api", "payments"]).into_keys().collect()
    }

    #[test]
    fn names_numbers_and_times_do_not_count_but_what_an_exit_code_is_does() {
        let said = words("4 OOMKilled in 30m; last ledger-api-7d9f-2kx8p 03:09Z, exit 137");
        assert_eq!(said, ["exit", "exit 137", "oomkilled"]);
    }

    #[test]
    fn secrets_are_hidden_first() {
        let with = words("connect failed: postgres://app:hunterpass@db/ops password=hunterpass");
        assert!(with.iter().all(|word| !word.contains("hunterpass")), "{with:?}");
    }

    #[test]
    fn a_text_without_end_ends() {
        let endless = "a word and another ".repeat(100_000);
        assert!(words(&endless).len() < 10);
    }
}
