//! Did-you-mean: the nearest of the words that would have been right.

/// The candidate that differs from `word` by the fewest edits (insert, remove, replace, swap neighbours), if it is
/// near enough to be meant: at most a third of the word's length, at least one edit. Ties go to the first.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 64 {
        return None;
    }
    let most = (length / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= most)
        .fold(None, |best: Option<(usize, &str)>, next| match best {
            Some(best) if best.0 <= next.0 => Some(best),
            _ => Some(next),
        })
        .map(|(_, candidate)| candidate)
}

/// Edits between two words, case ignored.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let a = a.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let b = b.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_and_a_far_one_is_not() {
        let words = ["timeout", "attempts", "on_failure"];
        assert_eq!(nearest("timout", words), Some("timeout"));
        assert_eq!(nearest("tiemout", words), Some("timeout"));
        assert_eq!(nearest("on-failure", words), Some("on_failure"));
        assert_eq!(nearest("Attempts", words), Some("attempts"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
    }
}
