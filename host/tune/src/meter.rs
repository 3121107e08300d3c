//! Count rates now, at their best, and what is news about them.

use std::collections::VecDeque;

use crate::Measured;

/// Channels that a meter tells apart.
const CHANNELS: usize = 256;
/// A rate must exceed its peak by this many standard errors to be a new one: a held peak creeps by
/// chance otherwise.
const PEAK_SIGMAS: f64 = 3.0;
/// Light counts as lost below this share of the peak, and as back above twice that.
const LOST_SHARE: f64 = 0.5;

/// What happened to a channel's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Better than ever before, by more than chance.
    Peak,
    /// Fell below half of the peak; told once until it is back.
    Lost,
    /// Back above half of the peak.
    Back,
}

/// A channel's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelRate {
    /// The channel.
    pub channel: u8,
    /// Over the meter's span, in counts a second.
    pub rate_hz: Measured,
    /// The best so far.
    pub peak_hz: f64,
    /// Counts since the beginning.
    pub total: u64,
    /// What is new.
    pub news: Option<News>,
}

#[derive(Clone, Debug, Default)]
struct Channel {
    total: u64,
    /// Counts since the last look.
    now: u64,
    /// Counts of the looks within the span.
    span: VecDeque<u64>,
    peak_hz: f64,
    lost: bool,
}

/// Rates of all channels over a sliding span, with peak hold. Time is given by who counts.
#[derive(Clone, Debug)]
pub struct Meter {
    channels: Vec<Channel>,
    /// Seconds of each look within the span.
    seconds: VecDeque<f64>,
    looks: usize,
}

impl Meter {
    /// Rates over the last `looks` looks, at least one.
    pub fn new(looks: usize) -> Meter {
        Meter { channels: Vec::new(), seconds: VecDeque::new(), looks: looks.clamp(1, 1 << 16) }
    }

    /// Shows a channel in every look from now on, also where it never clicks.
    pub fn expect(&mut self, channel: u8) {
        let needed = usize::from(channel) + 1;
        if self.channels.len() < needed {
            self.channels.resize_with(needed.min(CHANNELS), Channel::default);
        }
    }

    /// Counts.
    #[inline]
    pub fn count(&mut self, channel: u8, clicks: u64) {
        if usize::from(channel) >= self.channels.len() {
            self.expect(channel);
        }
        self.channels[usize::from(channel)].now += clicks;
    }

    /// Ends a look that took so many seconds, above zero.
    pub fn look(&mut self, seconds: f64) -> Vec<ChannelRate> {
        self.seconds.push_back(seconds);
        while self.seconds.len() > self.looks {
            self.seconds.pop_front();
        }
        let (looks, span): (usize, f64) = (self.seconds.len(), self.seconds.iter().sum());
        let numbered = self.channels.iter_mut().zip(0u8..=u8::MAX);
        numbered.map(|(channel, number)| channel.look(number, looks, span)).collect()
    }

    /// Forgets the peaks: after a change that makes the old ones meaningless.
    pub fn forget_peaks(&mut self) {
        self.channels.iter_mut().for_each(|c| (c.peak_hz, c.lost) = (0.0, false));
    }
}

impl Channel {
    fn look(&mut self, channel: u8, looks: usize, seconds: f64) -> ChannelRate {
        let now = std::mem::take(&mut self.now);
        self.total += now;
        self.span.push_back(now);
        while self.span.len() > looks {
            self.span.pop_front();
        }
        let counted: u64 = self.span.iter().sum();
        let rate_hz = Measured::count(counted).times(1.0 / seconds);
        let first = self.peak_hz == 0.0;
        let news = if rate_hz.value > self.peak_hz + PEAK_SIGMAS * rate_hz.error || first {
            (!std::mem::take(&mut self.lost) && !first).then_some(News::Peak)
        } else if !self.lost
            && rate_hz.value + PEAK_SIGMAS * rate_hz.error < LOST_SHARE * self.peak_hz
        {
            self.lost = true;
            Some(News::Lost)
        } else if self.lost && rate_hz.value - rate_hz.error > LOST_SHARE * self.peak_hz {
            self.lost = false;
            Some(News::Back)
        } else {
            None
        };
        if news == Some(News::Peak) || first {
            self.peak_hz = rate_hz.value;
        }
        ChannelRate { channel, rate_hz, peak_hz: self.peak_hz, total: self.total, news }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(meter: &mut Meter, clicks: u64) -> ChannelRate {
        meter.count(1, clicks);
        meter.look(0.5)[1]
    }

    #[test]
    fn a_peak_is_held_and_the_loss_of_light_is_told_once() {
        let mut meter = Meter::new(1);
        assert_eq!(look(&mut meter, 5_000).rate_hz.value, 10_000.0);
        assert_eq!(look(&mut meter, 5_100).news, None, "by chance");
        assert_eq!(look(&mut meter, 7_000).news, Some(News::Peak));
        let seen = look(&mut meter, 6_000);
        assert_eq!((seen.news, seen.peak_hz, seen.total), (None, 14_000.0, 23_100));
        assert_eq!(look(&mut meter, 1_000).news, Some(News::Lost));
        assert_eq!(look(&mut meter, 900).news, None);
        assert_eq!(look(&mut meter, 6_900).news, Some(News::Back));
        meter.forget_peaks();
        assert_eq!(look(&mut meter, 100).peak_hz, 200.0);
    }

    #[test]
    fn rates_are_those_of_the_span() {
        let mut meter = Meter::new(4);
        meter.expect(2);
        for clicks in [100, 200, 300, 400, 500] {
            meter.count(2, clicks);
            meter.look(0.25);
        }
        let seen = meter.look(0.25)[2];
        assert_eq!(seen.rate_hz.value, 300.0 + 400.0 + 500.0);
        assert_eq!(seen.total, 1500);
    }
}
