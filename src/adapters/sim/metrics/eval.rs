//! Evaluates an expression at one moment.

use super::parse::{Expr, Matching, Select};
use super::source::{Labels, SCRAPE_S, scrape, series};
use crate::adapters::sim::json::float;
use crate::adapters::sim::world::World;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// What an expression comes to.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// A number.
    Scalar(f64),
    /// Series with one value each.
    Vector(Vec<(Labels, f64)>),
}

/// Evaluates; `Err` says what is not simulated.
pub(super) fn eval(world: &World, expr: &Expr, at: Timestamp) -> Result<Outcome, String> {
    match expr {
        Expr::Number(number) => Ok(Outcome::Scalar(*number)),
        Expr::Select(select) if select.range_s.is_some() => {
            Err("a range outside a function".into())
        }
        Expr::Select(select) => {
            let at = at - chrono::TimeDelta::seconds(select.offset_s);
            Ok(Outcome::Vector(selected(world, select, scrape(at))?))
        }
        Expr::Call(name, arguments) => call(world, name, arguments, at),
        Expr::Aggregate { how, labels, without, over } => {
            let Outcome::Vector(vector) = eval(world, over, at)? else {
                return Err(format!("{how} over a number"));
            };
            Ok(Outcome::Vector(aggregate(how, labels, *without, vector)))
        }
        Expr::Binary(left, sign, matching, right) => {
            let (left, right) = (eval(world, left, at)?, eval(world, right, at)?);
            binary(left, sign, matching, right)
        }
    }
}

fn selected(world: &World, select: &Select, at: Timestamp) -> Result<Vec<(Labels, f64)>, String> {
    let mut found = series(world, &select.metric, &select.matchers, at)?;
    found.retain(|(labels, _)| {
        select
            .matchers
            .iter()
            .all(|one| one.fits(labels.get(&one.label).map_or("", String::as_str)))
    });
    Ok(found)
}

/// Points of each series within a range that ends at a moment.
fn points(
    world: &World,
    select: &Select,
    range_s: i64,
    at: Timestamp,
) -> Result<BTreeMap<Labels, Vec<(f64, f64)>>, String> {
    let end = at - chrono::TimeDelta::seconds(select.offset_s);
    let mut found = BTreeMap::<Labels, Vec<(f64, f64)>>::new();
    let mut step = scrape(end - chrono::TimeDelta::seconds(range_s));
    let begin = end - chrono::TimeDelta::seconds(range_s);
    while step <= end {
        if step > begin {
            for (labels, value) in selected(world, select, step)? {
                found.entry(labels).or_default().push((float(step.timestamp()), value));
            }
        }
        step += chrono::TimeDelta::seconds(SCRAPE_S);
    }
    Ok(found)
}

fn call(world: &World, name: &str, arguments: &[Expr], at: Timestamp) -> Result<Outcome, String> {
    if name == "time" && arguments.is_empty() {
        return Ok(Outcome::Scalar(float(at.timestamp())));
    }
    let [argument] = arguments else {
        return Err(format!("function {name:?} with these arguments"));
    };
    if let Expr::Select(select) = argument
        && let Some(range_s) = select.range_s
    {
        let mut vector = Vec::new();
        for (labels, points) in points(world, select, range_s, at)? {
            if let Some(value) = over_time(name, &points, float(range_s))? {
                vector.push((nameless(labels, name == "last_over_time"), value));
            }
        }
        return Ok(Outcome::Vector(vector));
    }
    let inner = eval(world, argument, at)?;
    match (name, inner) {
        ("scalar", Outcome::Vector(vector)) => match vector.as_slice() {
            [(_, value)] => Ok(Outcome::Scalar(*value)),
            _ => Ok(Outcome::Scalar(f64::NAN)),
        },
        ("vector", Outcome::Scalar(value)) => Ok(Outcome::Vector(vec![(Labels::new(), value)])),
        ("abs" | "ceil" | "floor" | "round", Outcome::Vector(vector)) => {
            let change = |value: f64| match name {
                "abs" => value.abs(),
                "ceil" => value.ceil(),
                "floor" => value.floor(),
                _ => value.round(),
            };
            Ok(Outcome::Vector(
                vector
                    .into_iter()
                    .map(|(labels, value)| (nameless(labels, false), change(value)))
                    .collect(),
            ))
        }
        ("absent", Outcome::Vector(vector)) => Ok(Outcome::Vector(if vector.is_empty() {
            vec![(Labels::new(), 1.0)]
        } else {
            Vec::new()
        })),
        _ => Err(format!("function {name:?}")),
    }
}

/// One function over the points of a series; `None`: too few points.
fn over_time(name: &str, points: &[(f64, f64)], range_s: f64) -> Result<Option<f64>, String> {
    let values = points.iter().map(|(_, value)| *value).collect::<Vec<_>>();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(None) };
    let count = float(i64::try_from(values.len()).unwrap_or(0));
    let enough = points.len() >= 2;
    Ok(match name {
        "max_over_time" => values.iter().copied().reduce(f64::max),
        "min_over_time" => values.iter().copied().reduce(f64::min),
        "avg_over_time" => Some(values.iter().sum::<f64>() / count),
        "sum_over_time" => Some(values.iter().sum()),
        "count_over_time" => Some(count),
        "last_over_time" => Some(last.1),
        "changes" => {
            let changes =
                values.windows(2).filter(|pair| pair[0].to_bits() != pair[1].to_bits()).count();
            Some(float(i64::try_from(changes).unwrap_or(0)))
        }
        "resets" => {
            let resets = values.windows(2).filter(|pair| pair[1] < pair[0]).count();
            Some(float(i64::try_from(resets).unwrap_or(0)))
        }
        "delta" => enough.then(|| (last.1 - first.1) * stretch(points, range_s)),
        "increase" => enough.then(|| grown(&values) * stretch(points, range_s)),
        "rate" => enough.then(|| grown(&values) * stretch(points, range_s) / range_s),
        "deriv" => enough.then(|| slope(points)),
        other => return Err(format!("function {other:?}")),
    })
}

/// Growth of a counter, resets counted as starts from zero.
fn grown(values: &[f64]) -> f64 {
    values.windows(2).map(|pair| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] }).sum()
}

/// How much Prometheus stretches what it saw to the edges of the range, at most half an interval at each end.
fn stretch(points: &[(f64, f64)], range_s: f64) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 1.0 };
    let seen = last.0 - first.0;
    let interval = float(SCRAPE_S);
    let missing = range_s - seen;
    if seen <= 0.0 { 1.0 } else { (seen + missing.min(interval * 1.1)) / seen }
}

/// Least-squares slope in units per second.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = float(i64::try_from(points.len()).unwrap_or(1));
    let start = points.first().map_or(0.0, |point| point.0);
    let x = points.iter().map(|point| point.0 - start).sum::<f64>() / count;
    let y = points.iter().map(|point| point.1).sum::<f64>() / count;
    let both = points.iter().map(|point| (point.0 - start - x) * (point.1 - y)).sum::<f64>();
    let spread = points.iter().map(|point| (point.0 - start - x).powi(2)).sum::<f64>();
    both / spread
}

fn nameless(mut labels: Labels, keep: bool) -> Labels {
    if !keep {
        labels.remove("__name__");
    }
    labels
}

fn aggregate(
    how: &str,
    kept: &[String],
    without: bool,
    vector: Vec<(Labels, f64)>,
) -> Vec<(Labels, f64)> {
    let mut groups = BTreeMap::<Labels, Vec<f64>>::new();
    for (labels, value) in vector {
        let group = labels
            .into_iter()
            .filter(|(label, _)| {
                if without {
                    !kept.contains(label) && label != "__name__"
                } else {
                    kept.contains(label)
                }
            })
            .collect();
        groups.entry(group).or_default().push(value);
    }
    groups
        .into_iter()
        .filter_map(|(labels, values)| {
            let count = float(i64::try_from(values.len()).ok()?);
            let value = match how {
                "max" => values.into_iter().reduce(f64::max)?,
                "min" => values.into_iter().reduce(f64::min)?,
                "avg" => values.iter().sum::<f64>() / count,
                "count" => count,
                _ => values.iter().sum(),
            };
            Some((labels, value))
        })
        .collect()
}

fn binary(
    left: Outcome,
    sign: &str,
    matching: &Matching,
    right: Outcome,
) -> Result<Outcome, String> {
    let compares = matches!(sign, "==" | "!=" | ">" | "<" | ">=" | "<=");
    let keep = |left: f64, right: f64| {
        let value = operate(sign, left, right);
        if !compares || matching.as_bool { Some(value) } else { (value != 0.0).then_some(left) }
    };
    let name_stays = compares && !matching.as_bool;
    match (left, right) {
        (Outcome::Scalar(left), Outcome::Scalar(right)) => {
            Ok(Outcome::Scalar(operate(sign, left, right)))
        }
        (Outcome::Vector(vector), Outcome::Scalar(right)) => Ok(Outcome::Vector(
            vector
                .into_iter()
                .filter_map(|(labels, left)| {
                    Some((nameless(labels, name_stays), keep(left, right)?))
                })
                .collect(),
        )),
        (Outcome::Scalar(left), Outcome::Vector(vector)) => Ok(Outcome::Vector(
            vector
                .into_iter()
                .filter_map(|(labels, right)| {
                    let kept = keep(left, right)?;
                    let value = if name_stays { right } else { kept };
                    Some((nameless(labels, name_stays), value))
                })
                .collect(),
        )),
        (Outcome::Vector(left), Outcome::Vector(right)) => {
            vectors(left, sign, matching, right, name_stays, keep).map(Outcome::Vector)
        }
    }
}

fn vectors(
    left: Vec<(Labels, f64)>,
    sign: &str,
    matching: &Matching,
    right: Vec<(Labels, f64)>,
    name_stays: bool,
    keep: impl Fn(f64, f64) -> Option<f64>,
) -> Result<Vec<(Labels, f64)>, String> {
    let signature = |labels: &Labels| -> Labels {
        labels
            .iter()
            .filter(|(label, _)| {
                *label != "__name__" && matching.labels.contains(*label) == matching.on
            })
            .map(|(label, value)| (label.clone(), value.clone()))
            .collect()
    };
    let mut other = BTreeMap::<Labels, f64>::new();
    let set = matches!(sign, "and" | "or" | "unless");
    for (labels, value) in &right {
        if other.insert(signature(labels), *value).is_some() && !set {
            return Err("many-to-many matching".into());
        }
    }
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (labels, value) in left {
        let mark = signature(&labels);
        let partner = other.get(&mark).copied();
        let first = seen.insert(mark.clone());
        match sign {
            "and" if partner.is_some() => found.push((labels, value)),
            "unless" if partner.is_none() => found.push((labels, value)),
            "or" => found.push((labels, value)),
            "and" | "unless" => {}
            _ => {
                if let Some(value) = partner.and_then(|partner| keep(value, partner)) {
                    if !first {
                        return Err("many-to-one matching".into());
                    }
                    let labels = if name_stays {
                        labels
                    } else if matching.on {
                        mark
                    } else {
                        nameless(labels, false)
                    };
                    found.push((labels, value));
                }
            }
        }
    }
    if sign == "or" {
        found.extend(right.into_iter().filter(|(labels, _)| !seen.contains(&signature(labels))));
    }
    Ok(found)
}

#[allow(clippy::float_cmp, reason = "PromQL compares exactly")]
fn operate(sign: &str, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    match sign {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "%" => left % right,
        "==" => truth(left == right),
        "!=" => truth(left != right),
        ">" => truth(left > right),
        "<" => truth(left < right),
        ">=" => truth(left >= right),
        "<=" => truth(left <= right),
        _ => f64::NAN,
    }
}
