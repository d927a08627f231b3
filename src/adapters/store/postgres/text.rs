//! Texts in a form that PostgreSQL can hold: all of them without NUL, and each back as it was.

use std::borrow::Cow;

/// The form that is stored. Most texts are stored as they are.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\\']) {
        Cow::Owned(text.replace('\\', "\\\\").replace('\0', "\\0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that was stored; `None` when nothing is stored so.
pub(super) fn given(stored: String) -> Option<String> {
    if !stored.contains('\\') {
        return Some(stored);
    }
    let mut text = String::with_capacity(stored.len());
    let mut letters = stored.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => match letters.next()? {
                '\\' => '\\',
                '0' => '\0',
                _ => return None,
            },
            other => other,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in ["", "plain", "\0", "\\0", "a\\\0b\\\\", "\\", "\u{1f6a8}\0"] {
            let kept = stored(text).into_owned();
            assert!(!kept.contains('\0'));
            assert_eq!(given(kept).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_nobody_stored_so_is_not_read_as_something_else() {
        assert_eq!(given("a\\b".into()), None);
        assert_eq!(given("a\\".into()), None);
    }
}
