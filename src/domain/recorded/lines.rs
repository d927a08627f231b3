//! Two texts, line by line.

/// Lines that only one of two texts has: `- wanted`, `+ found`, with a line before and after of what both have.
/// Empty when they are the same.
pub(super) fn line_differences(wanted: &[String], found: &[String]) -> Vec<String> {
    if wanted == found {
        return Vec::new();
    }
    let all = walk(wanted, found);
    let changed = |at: usize| all.get(at).is_some_and(|(sign, _)| *sign != ' ');
    let near = |at: usize| changed(at) || changed(at + 1) || at > 0 && changed(at - 1);
    let mut out = Vec::new();
    let mut gap = false;
    for (at, (sign, line)) in all.iter().enumerate() {
        if near(at) {
            out.push(format!("{sign} {line}"));
        } else if !gap {
            out.push("  …".into());
        }
        gap = !near(at);
    }
    out
}

/// Longest common subsequence, walked from the front.
fn walk<'a>(wanted: &'a [String], found: &'a [String]) -> Vec<(char, &'a str)> {
    let (rows, columns) = (wanted.len(), found.len());
    let mut common = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if wanted[row] == found[column] {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut out = Vec::new();
    while row < rows || column < columns {
        let same = row < rows && column < columns && wanted[row] == found[column];
        let drop =
            row < rows && (column == columns || common[row + 1][column] >= common[row][column + 1]);
        if same {
            out.push((' ', wanted[row].as_str()));
            (row, column) = (row + 1, column + 1);
        } else if drop {
            out.push(('-', wanted[row].as_str()));
            row += 1;
        } else {
            out.push(('+', found[column].as_str()));
            column += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn only_what_differs_is_shown_with_a_line_around() {
        let shown = line_differences(&lines("a b c d e f"), &lines("a b x d e f"));
        assert_eq!(shown, ["  …", "  b", "- c", "+ x", "  d", "  …"]);
        assert_eq!(line_differences(&lines("a b"), &lines("a b")), Vec::<String>::new());
        assert_eq!(line_differences(&[], &lines("a")), ["+ a"]);
    }
}
