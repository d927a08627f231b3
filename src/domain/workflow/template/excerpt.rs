//! From a place inside a YAML scalar's value to its place in the file: past quotes, escapes, block headers,
//! indentation and folded lines.

use super::yaml::Place;

/// The place in the file of the character at `line`:`column` (from 1) of a scalar's `value` that starts at `start`.
/// Exact for plain and literal scalars; for folded and escaped ones as near as the characters can be matched.
pub(crate) fn locate(source: &str, start: Place, value: &str, line: usize, column: usize) -> Place {
    let chars = positions(source, start);
    let mut at = first_content(&chars);
    let wanted = offset(value, line, column);
    let mut last = None;
    for (index, c) in value.chars().enumerate() {
        at = matching(&chars, at, c, last.is_some_and(char::is_whitespace));
        if index == wanted {
            break;
        }
        last = Some(c);
        if !c.is_whitespace() {
            at += 1;
        }
    }
    if wanted >= value.chars().count() {
        // Just after the end, where parsers report what is missing.
        return chars.get(at).map_or(start, |(place, _)| *place);
    }
    chars.get(at).map_or(start, |(place, _)| *place)
}

/// Characters of the source from `start` on, each with its place.
fn positions(source: &str, start: Place) -> Vec<(Place, char)> {
    let mut out = Vec::new();
    for (index, text) in source.split('\n').enumerate().skip(start.line.saturating_sub(1)) {
        let skip = if index + 1 == start.line { start.column.saturating_sub(1) } else { 0 };
        let line = index + 1;
        let chars = text.chars().chain(std::iter::once('\n')).enumerate().skip(skip);
        out.extend(chars.map(|(column, c)| (Place { line, column: column + 1 }, c)));
        if out.len() > 16_384 {
            break;
        }
    }
    out
}

/// Index of the first character of the content: after an opening quote, or after the header of a block scalar.
fn first_content(chars: &[(Place, char)]) -> usize {
    match chars.first() {
        Some((_, '"' | '\'')) => 1,
        Some((_, '|' | '>')) => {
            let header = chars.iter().position(|(_, c)| *c == '\n').map_or(0, |end| end + 1);
            let blank = chars.iter().skip(header).position(|(_, c)| !c.is_whitespace());
            header + blank.unwrap_or(0)
        }
        _ => 0,
    }
}

/// Index of the character that stands for `c` of the value, at or after `at`.
fn matching(chars: &[(Place, char)], mut at: usize, c: char, after_blank: bool) -> usize {
    let here = |at: usize| chars.get(at).map(|(_, found)| *found);
    if c.is_whitespace() {
        if after_blank {
            return at;
        }
        // An escaped blank is two characters; any other run of blanks stands for one or more.
        if here(at) == Some('\\') && !here(at + 1).is_some_and(char::is_whitespace) {
            return at + 2;
        }
        while here(at).is_some_and(char::is_whitespace) {
            at += 1;
        }
        return at;
    }
    (at..chars.len()).take(8).find(|at| here(*at) == Some(c)).unwrap_or(at)
}

/// How many characters precede `line`:`column`.
fn offset(value: &str, line: usize, column: usize) -> usize {
    let before = value.split('\n').take(line.saturating_sub(1));
    before.map(|text| text.chars().count() + 1).sum::<usize>() + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(
        source: &str,
        start: (usize, usize),
        value: &str,
        place: (usize, usize),
    ) -> (usize, usize) {
        let start = Place { line: start.0, column: start.1 };
        let found = locate(source, start, value, place.0, place.1);
        (found.line, found.column)
    }

    #[test]
    fn plain_and_quoted_scalars() {
        assert_eq!(at("when: a.b > c\n", (1, 7), "a.b > c", (1, 7)), (1, 13));
        assert_eq!(at("when: 'a.b > c'\n", (1, 7), "a.b > c", (1, 7)), (1, 14));
        assert_eq!(
            at("when: \"a == \\\"x\\\" && c\"", (1, 7), "a == \"x\" && c", (1, 13)),
            (1, 22)
        );
        assert_eq!(at("when: 'a == ''x'' && c'", (1, 7), "a == 'x' && c", (1, 13)), (1, 22));
    }

    #[test]
    fn block_scalars() {
        let literal = "x:\n  when: |\n    a.b > c &&\n      d.e\n";
        let value = "a.b > c &&\n  d.e\n";
        assert_eq!(at(literal, (2, 9), value, (2, 3)), (4, 7));
        assert_eq!(at(literal, (2, 9), value, (1, 7)), (3, 11));
        let folded = "x:\n  when: >-\n    a.b > c &&\n    d.e\n";
        assert_eq!(at(folded, (2, 9), "a.b > c && d.e", (1, 12)), (4, 5));
        assert_eq!(at(folded, (2, 9), "a.b > c && d.e", (1, 14)), (4, 7));
    }

    #[test]
    fn a_place_after_the_end_is_the_end() {
        assert_eq!(at("when: a >\nx: 1\n", (1, 7), "a >", (1, 4)), (1, 10));
    }
}
