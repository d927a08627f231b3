//! The PromQL that is understood: selectors with matchers and ranges, functions, aggregations, arithmetic and
//! comparisons. Everything else is refused by name, never guessed.

use regex::Regex;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    /// A number.
    Number(f64),
    /// Series of a metric; with a range in seconds.
    Select(Select),
    /// `rate(x[5m])`, `abs(x)`.
    Call(String, Vec<Expr>),
    /// `sum by (pod) (x)`.
    Aggregate {
        /// `sum`, `max`, …
        how: String,
        /// Labels kept (or dropped).
        labels: Vec<String>,
        /// Whether the labels are dropped instead of kept.
        without: bool,
        /// Over what.
        over: Box<Expr>,
    },
    /// `a / b`, `a > 0`.
    Binary(Box<Expr>, String, Matching, Box<Expr>),
}

/// How the sides of an operator are matched.
#[derive(Debug, Clone, Default)]
pub(super) struct Matching {
    /// Labels named by `on` or `ignoring`.
    pub(super) labels: Vec<String>,
    /// `on` (true) or `ignoring`.
    pub(super) on: bool,
    /// `bool` after a comparison.
    pub(super) as_bool: bool,
}

/// A selector.
#[derive(Debug, Clone)]
pub(super) struct Select {
    /// Metric.
    pub(super) metric: String,
    /// Matchers.
    pub(super) matchers: Vec<Matcher>,
    /// Range in seconds, for functions over time.
    pub(super) range_s: Option<i64>,
    /// `offset` in seconds.
    pub(super) offset_s: i64,
}

/// One label matcher.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    /// Label.
    pub(super) label: String,
    /// Whether it must not match.
    pub(super) negated: bool,
    /// What it matches.
    pub(super) wanted: Wanted,
}

/// What a label is compared with.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// Exactly this.
    Text(String),
    /// All of it by this pattern.
    Pattern(Regex),
}

impl Matcher {
    /// Whether a value fits.
    pub(super) fn fits(&self, value: &str) -> bool {
        let fits = match &self.wanted {
            Wanted::Text(text) => text == value,
            Wanted::Pattern(pattern) => pattern.is_match(value),
        };
        fits != self.negated
    }
}

const AGGREGATES: [&str; 5] = ["sum", "max", "min", "avg", "count"];

/// Reads a query. `Err` says what is not understood.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut reader = Reader { tokens: tokens(text)?, next: 0 };
    let expr = reader.either(0)?;
    match reader.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("`{token}`")),
    }
}

/// Splits into words, numbers, quoted texts (kept with their quote) and signs.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let mut token = String::from(first);
        if first.is_whitespace() {
            continue;
        }
        if matches!(first, '"' | '\'' | '`') {
            loop {
                match chars.next() {
                    None => return Err("a text without its closing quote".into()),
                    Some(end) if end == first => break,
                    Some('\\') if first != '`' => {
                        let escaped = chars.next().unwrap_or('\\');
                        token.push(match escaped {
                            'n' => '\n',
                            't' => '\t',
                            other => other,
                        });
                    }
                    Some(other) => token.push(other),
                }
            }
            token.replace_range(..first.len_utf8(), "\"");
        } else if first.is_ascii_alphanumeric() || matches!(first, '_' | ':' | '.') {
            while let Some(next) =
                chars.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.'))
            {
                token.push(next);
            }
        } else if matches!(first, '=' | '!' | '<' | '>')
            && let Some(next) = chars.next_if(|c| matches!(c, '=' | '~'))
        {
            token.push(next);
        }
        tokens.push(token);
    }
    Ok(tokens)
}

struct Reader {
    tokens: Vec<String>,
    next: usize,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.next).map(String::as_str)
    }

    fn take(&mut self) -> Option<String> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn skip(&mut self, sign: &str) -> bool {
        let is = self.peek() == Some(sign);
        if is {
            self.next += 1;
        }
        is
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.skip(sign) {
            return Ok(());
        }
        Err(format!("`{}` where `{sign}` should stand", self.peek().unwrap_or("the end")))
    }

    /// Operators by binding strength: `or`; `and`, `unless`; comparisons; `+ -`; `* / %`.
    fn either(&mut self, level: usize) -> Result<Expr, String> {
        const LEVELS: [&[&str]; 5] = [
            &["or"],
            &["and", "unless"],
            &["==", "!=", ">", "<", ">=", "<="],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.either(level + 1)?;
        while let Some(sign) = self.peek().filter(|sign| signs.contains(sign)).map(String::from) {
            self.next += 1;
            let matching = self.matching()?;
            let right = self.either(level + 1)?;
            left = Expr::Binary(Box::new(left), sign, matching, Box::new(right));
        }
        Ok(left)
    }

    fn matching(&mut self) -> Result<Matching, String> {
        let mut matching = Matching { as_bool: self.skip("bool"), ..Matching::default() };
        if self.skip("on") {
            matching.on = true;
            matching.labels = self.labels()?;
        } else if self.skip("ignoring") {
            matching.labels = self.labels()?;
        }
        if matches!(self.peek(), Some("group_left" | "group_right")) {
            return Err("group_left and group_right".into());
        }
        Ok(matching)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.skip("-") {
            let of = self.unary()?;
            let zero = Box::new(Expr::Number(0.0));
            return Ok(Expr::Binary(zero, "-".into(), Matching::default(), Box::new(of)));
        }
        if self.skip("(") {
            let inner = self.either(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let word = self.take().ok_or("an end where an expression should stand")?;
        if let Ok(number) = word.parse::<f64>() {
            return Ok(Expr::Number(number));
        }
        if word == "{" {
            self.next -= 1;
            return self.select(String::new());
        }
        if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':') {
            return Err(format!("`{word}`"));
        }
        if AGGREGATES.contains(&word.as_str())
            && matches!(self.peek(), Some("(" | "by" | "without"))
        {
            return self.aggregate(word);
        }
        if self.skip("(") {
            let mut arguments = Vec::new();
            while !self.skip(")") {
                arguments.push(self.either(0)?);
                if !self.skip(",") {
                    self.expect(")")?;
                    break;
                }
            }
            return Ok(Expr::Call(word, arguments));
        }
        self.select(word)
    }

    fn aggregate(&mut self, how: String) -> Result<Expr, String> {
        let (mut labels, mut without) = self.grouping()?;
        self.expect("(")?;
        let over = Box::new(self.either(0)?);
        self.expect(")")?;
        if labels.is_empty() && !without {
            (labels, without) = self.grouping()?;
        }
        Ok(Expr::Aggregate { how, labels, without, over })
    }

    fn grouping(&mut self) -> Result<(Vec<String>, bool), String> {
        if self.skip("by") {
            Ok((self.labels()?, false))
        } else if self.skip("without") {
            Ok((self.labels()?, true))
        } else {
            Ok((Vec::new(), false))
        }
    }

    fn labels(&mut self) -> Result<Vec<String>, String> {
        self.expect("(")?;
        let mut labels = Vec::new();
        while !self.skip(")") {
            labels.push(self.take().ok_or("an end in a list of labels")?);
            self.skip(",");
        }
        Ok(labels)
    }

    fn select(&mut self, metric: String) -> Result<Expr, String> {
        let mut select = Select { metric, matchers: Vec::new(), range_s: None, offset_s: 0 };
        if self.skip("{") {
            while !self.skip("}") {
                select.matchers.push(self.matcher()?);
                self.skip(",");
            }
        }
        if let Some(place) =
            select.matchers.iter().position(|one| one.label == "__name__" && !one.negated)
            && let Wanted::Text(name) = &select.matchers[place].wanted
        {
            select.metric.clone_from(name);
            select.matchers.remove(place);
        }
        if self.skip("[") {
            let length = self.take().unwrap_or_default();
            select.range_s = Some(duration(&length)?);
            if self.peek() == Some(":") || self.peek().is_some_and(|token| token.starts_with(':')) {
                return Err("subqueries".into());
            }
            self.expect("]")?;
        }
        if self.skip("offset") {
            let length = self.take().unwrap_or_default();
            select.offset_s = duration(&length)?;
        }
        Ok(Expr::Select(select))
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        let label = self.take().ok_or("an end in a selector")?;
        let sign = self.take().unwrap_or_default();
        let value = self.take().unwrap_or_default();
        let value = value
            .strip_prefix('"')
            .ok_or_else(|| format!("`{value}` where a text should stand"))?;
        let pattern = || {
            Regex::new(&format!("^(?:{value})$"))
                .map(Wanted::Pattern)
                .map_err(|error| error.to_string())
        };
        let (negated, wanted) = match sign.as_str() {
            "=" => (false, Wanted::Text(value.into())),
            "!=" => (true, Wanted::Text(value.into())),
            "=~" => (false, pattern()?),
            "!~" => (true, pattern()?),
            other => return Err(format!("`{other}` in a selector")),
        };
        Ok(Matcher { label, negated, wanted })
    }
}

/// Seconds of `5m`, `1h30m`, `90s`, `2d`.
fn duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` as a duration");
    let (mut total, mut number) = (0_i64, String::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let milliseconds = c == 'm' && chars.next_if_eq(&'s').is_some();
        let count = number.parse::<i64>().map_err(|_| wrong())?;
        number.clear();
        total += match c {
            'm' if milliseconds => count / 1_000,
            's' => count,
            'm' => count * 60,
            'h' => count * 3_600,
            'd' => count * 86_400,
            'w' => count * 604_800,
            _ => return Err(wrong()),
        };
    }
    if total > 0 && number.is_empty() { Ok(total) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_queries_are_read() {
        for query in [
            "container_memory_working_set_bytes{namespace=\"a\",pod=~\"web-.+\",container!=\"\"}",
            "max by (pod) (rate(container_cpu_usage_seconds_total{pod=\"x\"}[5m])) * 1000",
            "sum(changes(container_start_time_seconds{container=\"app\"}[1h30m])) > 2",
            "a / on (pod) b unless c offset 5m",
            "max(max_over_time(x[10m])) by (pod)",
        ] {
            assert!(parse(query).is_ok(), "{query}: {:?}", parse(query).err());
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for query in ["rate(x[5m:1m])", "a * on (pod) group_left b", "x{a=5}", "sum(", "x[5q]"] {
            assert!(parse(query).is_err(), "{query}");
        }
    }
}
