//! Kubernetes quantities: `768Mi`, `1.5G`, `250m`, `1e3`.
//!
//! Promises: reads every form that the API server accepts, exactly (no floating point); writes the canonical binary
//! form, which the server gives back unchanged, so that a value read back compares equal to what was written.
//! Absent: arithmetic on quantities. Callers work in bytes or milli-units.

const NANO: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] =
    [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];

/// Bytes of a memory quantity, rounded up as Kubernetes does. `None` for negative or malformed text, or what does not
/// fit.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    u64::try_from(ceil_div(parse_nano(text)?, NANO)).ok()
}

/// Thousandths of a quantity, rounded up: `250m` → 250, `1.5` → 1500. For CPU.
#[must_use]
pub fn parse_milli(text: &str) -> Option<u64> {
    u64::try_from(ceil_div(parse_nano(text)?, NANO / 1_000)).ok()
}

/// The canonical binary form: the largest suffix that leaves a whole number. `805306368` → `768Mi`.
#[must_use]
pub fn format_bytes(bytes: u64) -> String {
    BINARY
        .iter()
        .find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1_u64 << shift))
        .map_or_else(|| bytes.to_string(), |(suffix, shift)| format!("{}{suffix}", bytes >> shift))
}

/// The canonical form of thousandths: `250m`, `2`.
#[must_use]
pub fn format_milli(milli: u64) -> String {
    if milli.is_multiple_of(1_000) { (milli / 1_000).to_string() } else { format!("{milli}m") }
}

/// Bytes for a person, with at most one decimal: `63.9Mi`, `1Gi`. Not exact; never for a manifest.
#[must_use]
pub fn spoken_bytes(bytes: u64) -> String {
    let Some((suffix, shift)) = BINARY.iter().find(|(_, shift)| bytes >= 1_u64 << shift) else {
        return format!("{bytes}B");
    };
    let tenths = (u128::from(bytes) * 10 + (1_u128 << (shift - 1))) >> shift;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}{suffix}"),
        (whole, part) => format!("{whole}.{part}{suffix}"),
    }
}

/// A quantity in thousand-millionths, rounded up like the API server rounds below nano.
fn parse_nano(text: &str) -> Option<i128> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'+' => (false, text.get(1..)?),
        b'-' => (true, text.get(1..)?),
        _ => (false, text),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let mantissa = format!("{whole}{fraction}").parse::<i128>().ok()?;
    let places = i32::try_from(fraction.len()).ok()?;
    let (shift, exponent) = scale(suffix)?;
    let scaled = mantissa.checked_mul(1_i128.checked_shl(shift)?)?;
    let power = exponent.checked_sub(places)?.checked_add(9)?;
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    let nano = if power < 0 { ceil_div(scaled, factor) } else { scaled.checked_mul(factor)? };
    Some(if negative { -nano } else { nano })
}

/// (binary shift, decimal exponent) of a suffix.
fn scale(suffix: &str) -> Option<(u32, i32)> {
    if let Some((_, shift)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((*shift, 0));
    }
    let decimal = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        other => {
            let digits = other.strip_prefix(['e', 'E'])?;
            let bare = digits.strip_prefix(['+', '-']).unwrap_or(digits);
            if bare.is_empty() || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            digits.parse::<i32>().ok().filter(|power| (-30..=30).contains(power))?
        }
    };
    Some((0, decimal))
}

fn ceil_div(value: i128, by: i128) -> i128 {
    let quotient = value.div_euclid(by);
    if value.rem_euclid(by) == 0 { quotient } else { quotient + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_kubernetes_accepts_is_read_exactly() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("1Ki", 1_024),
            ("768Mi", 805_306_368),
            ("1.5Gi", 1_610_612_736),
            (".5Gi", 536_870_912),
            ("1.Gi", 1_073_741_824),
            ("1k", 1_000),
            ("128974848", 128_974_848),
            ("129e6", 129_000_000),
            ("129M", 129_000_000),
            ("1E3", 1_000),
            ("1E", 1_000_000_000_000_000_000),
            ("8Ei", 1 << 63),
            ("128974848000m", 128_974_848),
            ("1m", 1),
            ("+3", 3),
        ] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        let too_long = "9".repeat(60);
        for text in [
            "", "Mi", ".", "1.2.3", "1 Gi", "1gi", "1KiB", "0x10", "1e", "1e99", "-1", "é",
            &too_long,
        ] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_written_in_the_largest_whole_binary_unit_and_read_back_equal() {
        for (bytes, text) in [
            (0, "0"),
            (1_000, "1000"),
            (1_024, "1Ki"),
            (805_306_368, "768Mi"),
            (1 << 30, "1Gi"),
            (1_610_612_736, "1536Mi"),
            ((1 << 30) + 1, "1073741825"),
        ] {
            assert_eq!(format_bytes(bytes), text);
            assert_eq!(parse_bytes(text), Some(bytes));
        }
    }

    #[test]
    fn cpu_is_counted_in_thousandths() {
        for (text, milli, canonical) in
            [("250m", 250, "250m"), ("1.5", 1_500, "1500m"), ("2", 2_000, "2"), ("100u", 1, "1m")]
        {
            assert_eq!(parse_milli(text), Some(milli));
            assert_eq!(format_milli(milli), canonical);
        }
    }

    #[test]
    fn people_read_at_most_one_decimal() {
        assert_eq!(spoken_bytes(67_006_464), "63.9Mi");
        assert_eq!(spoken_bytes(1 << 30), "1Gi");
        assert_eq!(spoken_bytes(12), "12B");
    }
}
