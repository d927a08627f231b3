//! How a container's working set moved within its lives.
//!
//! A series is cut into lives where it pauses or drops to less than half. The shape is read from the longest life:
//! growing to its end, or flat; a life that is too short for either says nothing. Samples jump (garbage collection,
//! copies of buffers), so that shapes are read from medians and ranks; R² of the least-squares line is only shown.

use crate::domain::evidence::Series;

/// A life shorter than this says nothing about growth: a program that loads what it needs grows too.
pub(crate) const SHORTEST_LIFE_S: f64 = 40.0;
const FEWEST_POINTS: usize = 6;
/// Usage from this share of the limit counts as *at the limit*.
pub(crate) const AT_LIMIT: f64 = 0.9;
/// Without a limit, growth is measured against this at the least: a few hundred kilobytes are no leak.
const WITHOUT_LIMIT: f64 = 268_435_456.0;

/// One life of a container.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Life {
    pub(crate) seconds: f64,
    pub(crate) first: f64,
    pub(crate) last: f64,
    pub(crate) peak: f64,
    pub(crate) points: usize,
    /// Bytes per second over the whole life: the median of the slopes between all pairs of points.
    pub(crate) slope: f64,
    /// How well a line fits (0 to 1).
    pub(crate) r2: f64,
    /// How steadily it rises: the share of pairs that rise less the share that fall (Kendall's τ).
    pub(crate) tau: f64,
    /// Medians of its first, second and last third.
    pub(crate) thirds: [f64; 3],
}

/// How it moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Steadily up, to the end of the life.
    Growing,
    /// It stays where it is.
    Flat,
    /// It moves, but neither of the two.
    Uneven,
    /// No life was long enough.
    TooShort,
}

/// What the series say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Usage {
    pub(crate) peak: f64,
    pub(crate) now: f64,
    pub(crate) lives: Vec<Life>,
    pub(crate) longest: Option<Life>,
    pub(crate) shape: Shape,
    /// Share of sampled lives (of those long enough) that grew.
    pub(crate) grew: (usize, usize),
}

/// Reads the series of one container, one series per pod. `None` when there is no point.
pub(crate) fn usage(series: &[&Series], step_s: f64, limit: Option<u64>) -> Option<Usage> {
    let lives = series.iter().flat_map(|one| lives(&one.points, step_s)).collect::<Vec<_>>();
    let peak = lives.iter().map(|life| life.peak).fold(f64::NAN, f64::max);
    if peak.is_nan() {
        return None;
    }
    let now =
        series.iter().filter_map(|one| one.points.last()).map(|point| point.1).fold(0.0, f64::max);
    let long = lives
        .iter()
        .filter(|life| life.seconds >= SHORTEST_LIFE_S && life.points >= FEWEST_POINTS)
        .collect::<Vec<_>>();
    let grown = long.iter().filter(|life| shape(life, limit) == Shape::Growing).count();
    let longest =
        long.iter().max_by(|a, b| a.seconds.total_cmp(&b.seconds)).map(|life| (*life).clone());
    let shape = match &longest {
        None => Shape::TooShort,
        Some(_) if grown > 0 && 2 * grown >= long.len() => Shape::Growing,
        Some(life) => shape(life, limit),
    };
    Some(Usage { peak, now, grew: (grown, long.len()), longest, shape, lives })
}

fn shape(life: &Life, limit: Option<u64>) -> Shape {
    // u64 → f64: sizes of memory are far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let scale = limit.map_or(life.peak.max(WITHOUT_LIMIT), |bytes| bytes as f64).max(1.0);
    let grown = life.slope * life.seconds;
    let [first, second, last] = life.thirds;
    if grown >= 0.2 * scale && life.tau >= 0.5 && last - second >= 0.25 * (second - first) {
        Shape::Growing
    } else if (last - second).abs() <= 0.05 * scale {
        Shape::Flat
    } else {
        Shape::Uneven
    }
}

fn lives(points: &[(f64, f64)], step_s: f64) -> Vec<Life> {
    let mut cuts = vec![0];
    for (index, pair) in points.windows(2).enumerate() {
        if let [(at, value), (next, after)] = pair
            && (next - at > 3.0 * step_s || *after < 0.5 * value)
        {
            cuts.push(index + 1);
        }
    }
    cuts.push(points.len());
    cuts.windows(2)
        .filter_map(|cut| match cut {
            [from, to] => points.get(*from..*to),
            _ => None,
        })
        .filter_map(life)
        .collect()
}

fn life(points: &[(f64, f64)]) -> Option<Life> {
    let (first, last) = (points.first()?, points.last()?);
    let seconds = last.0 - first.0;
    let (slope, tau) = trend(points);
    let third = |number: f64| {
        let from = first.0 + seconds * number / 3.0;
        let to = first.0 + seconds * (number + 1.0) / 3.0;
        median(points.iter().filter(|p| p.0 >= from && p.0 <= to).map(|p| p.1).collect())
    };
    Some(Life {
        seconds,
        first: first.1,
        last: last.1,
        peak: points.iter().map(|point| point.1).fold(0.0, f64::max),
        points: points.len(),
        slope,
        r2: fit(points),
        tau,
        thirds: [third(0.0), third(1.0), third(2.0)],
    })
}

/// Middle value; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Median slope between all pairs of points (Theil and Sen), and Kendall's τ.
fn trend(points: &[(f64, f64)]) -> (f64, f64) {
    let pairs = points.iter().enumerate().flat_map(|(index, a)| {
        points.get(index + 1..).unwrap_or_default().iter().map(move |b| (b.1 - a.1) / (b.0 - a.0))
    });
    let slopes = pairs.filter(|slope| slope.is_finite()).collect::<Vec<_>>();
    // usize → f64: some ten thousand pairs at most.
    #[allow(clippy::cast_precision_loss)]
    let count = slopes.len().max(1) as f64;
    let signs = slopes.iter().map(|slope| if *slope == 0.0 { 0.0 } else { slope.signum() });
    let tau = signs.sum::<f64>() / count;
    (median(slopes), tau)
}

/// R² of the least-squares line; 0 where there is none.
fn fit(points: &[(f64, f64)]) -> f64 {
    // usize → f64: at most some hundred points.
    #[allow(clippy::cast_precision_loss)]
    let n = points.len().max(1) as f64;
    let (mean_t, mean_v) = points.iter().fold((0.0, 0.0), |(t, v), p| (t + p.0 / n, v + p.1 / n));
    let (mut tt, mut tv, mut vv) = (0.0, 0.0, 0.0);
    for (t, v) in points {
        let (dt, dv) = (t - mean_t, v - mean_v);
        tt += dt * dt;
        tv += dt * dv;
        vv += dv * dv;
    }
    if tt == 0.0 || vv == 0.0 { 0.0 } else { tv * tv / (tt * vv) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MI: f64 = 1_048_576.0;

    fn read(values: &[f64]) -> Usage {
        let points = (0..).map(f64::from).zip(values).map(|(i, v)| (5.0 * i, v * MI)).collect();
        let series = Series { labels: std::collections::BTreeMap::new(), points };
        usage(&[&series], 5.0, Some(64 << 20)).expect("points")
    }

    #[test]
    fn a_leak_with_noise_grows_in_each_of_its_lives() {
        // As sampled from a shell on a real cluster that appends to a string, twice killed.
        let usage = read(&[
            2., 11., 7., 10., 12., 18., 19., 23., 24., 54., 35., 2., 5., 10., 11., 15., 19., 21.,
            30., 40., 52.,
        ]);
        assert_eq!(usage.shape, Shape::Growing);
        assert_eq!(usage.grew, (2, 2));
    }

    #[test]
    fn a_start_that_ends_in_a_plateau_is_flat() {
        let mut values = vec![2., 20., 45.];
        values.extend([60.0; 30]);
        assert_eq!(read(&values).shape, Shape::Flat);
    }

    #[test]
    fn lives_of_seconds_say_nothing_about_growth() {
        let usage = read(&[5., 28., 54., 1., 23., 48.]);
        assert_eq!(usage.shape, Shape::TooShort);
        assert!(usage.peak >= 54.0 * MI);
    }

    #[test]
    fn a_cache_that_fills_and_slows_down_is_not_growing() {
        let values =
            (0..60).map(|i| 50.0 * (1.0 - (-f64::from(i) / 10.0).exp())).collect::<Vec<_>>();
        assert_ne!(read(&values).shape, Shape::Growing);
    }
}
