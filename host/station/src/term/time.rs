//! Points in time as people read them.

/// Seconds since 1970 as `2026-11-26T12:30:05Z`; beyond the year 9999 as that year's end.
pub fn utc(unix_s: u64) -> String {
    let second = i64::try_from(unix_s).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(second)
        .unwrap_or(jiff::Timestamp::MAX)
        .strftime("%FT%TZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_a_date() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(1_795_696_205), "2026-11-26T12:30:05Z");
        assert!(utc(u64::MAX).starts_with("9999-12-"));
    }
}
