//! Random bytes to a device as it uses them up.
//!
//! The device says of each piece whether it had room: pieces are sent until one is refused, and
//! again after the time in which some are used up. What it has taken is known exactly, by its
//! answers; where one of these may be lost the run ends.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use helio_link::{Connection, DeviceAddress, Transport};
use helio_wire::{Concealed, ErrorCode, HostMessage, Role};

use super::source::{FeedSource, NoPiece, PIECE, Piece};
use crate::bench::device::DeviceFault;

/// Pieces under way: a quarter of the firmware's queue, so that a look every few milliseconds fills it.
const UNDER_WAY: usize = 4;
/// No more of them than leave in this time: commands do not wait behind them for longer.
const WAY: Duration = Duration::from_millis(20);
/// Shortest and longest rest after a piece that was refused.
const RESTS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(100)];
/// A generator that brings nothing for so long has run dry.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pieces that are given before a run, at most; the firmware takes 16.
const MOST_BEFORE: usize = 256;

/// Bytes that a device's queue holds.
const QUEUE: u32 = helio_firmware::random::FEED_CAPACITY as u32;
/// What is in it at the least when this computer turns to other things: a piece had no room, one was
/// used up in the rest after that, and the looks and the pieces under way may be as late as they are
/// long.
const KEPT: u32 = QUEUE - (UNDER_WAY as u32 + 1) * PIECE as u32;
/// For so long that must last: twice the turn of a busy computer, and the 5 ms and more that the
/// device's word is on its way.
const BUSY_MS: u32 = 20;
/// A round trip over a network: 10 ms, and those 5 ms and a look at either end.
const ROUND_TRIP_MS: u32 = 17;

/// Bytes a second that can be fed through a port. Not measured on a board: of USB what the device's
/// queue bears; of a network the pieces under way in each round trip of 17 ms; of a serial line six
/// tenths of its 8N1 bytes, the rest being for the frames around them, pieces sent twice, and commands.
pub fn most_bytes_per_second(address: &DeviceAddress) -> u32 {
    let by_queue = KEPT * 1000 / BUSY_MS;
    match address {
        DeviceAddress::Serial(_) => by_queue.min(helio_link::BAUD_RATE / 10 * 6 / 10),
        DeviceAddress::Tcp { .. } => {
            by_queue.min(UNDER_WAY as u32 * PIECE as u32 * 1000 / ROUND_TRIP_MS)
        }
        _ => by_queue,
    }
}

/// Feeds a device through a run.
pub struct Feeder<'a> {
    role: Role,
    source: &'a mut FeedSource,
    /// Under way, with the numbers of their commands.
    sent: VecDeque<(u32, Piece)>,
    /// To be sent again.
    refused: VecDeque<Piece>,
    most: usize,
    rest: Duration,
    rests_until: Option<Instant>,
}

impl<'a> Feeder<'a> {
    /// For a device that uses up so many bytes a second.
    pub fn new(role: Role, source: &'a mut FeedSource, bytes_per_second: f64) -> Feeder<'a> {
        source.begin();
        let piece = PIECE as f64;
        let under_way = (bytes_per_second * WAY.as_secs_f64() / piece) as usize;
        let rest = piece / bytes_per_second.max(1.0);
        let [shortest, longest] = RESTS;
        Feeder {
            role,
            source,
            sent: VecDeque::new(),
            refused: VecDeque::new(),
            most: under_way.clamp(1, UNDER_WAY),
            rest: Duration::try_from_secs_f64(rest).unwrap_or(longest).clamp(shortest, longest),
            rests_until: None,
        }
    }

    /// Fills the queue of a device that does not run: `give` sends a piece and says whether it was
    /// taken.
    ///
    /// # Errors
    /// Those of `give`, and where no bytes come.
    pub fn fill(
        &mut self,
        mut give: impl FnMut(&Piece) -> Result<bool, DeviceFault>,
    ) -> Result<(), DeviceFault> {
        for _ in 0..MOST_BEFORE {
            let piece = loop {
                match self.next()? {
                    Some(piece) => break piece,
                    None => std::thread::sleep(RESTS[0]),
                }
            };
            if !give(&piece)? {
                self.refused.push_back(piece);
                break;
            }
        }
        Ok(())
    }

    /// Sends what there may be room for.
    ///
    /// # Errors
    /// The port's, and where no bytes come any more.
    pub fn advance<T: Transport>(
        &mut self,
        connection: &mut Connection<T>,
    ) -> Result<(), DeviceFault> {
        let role = self.role;
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        self.rests_until = None;
        while self.sent.len() < self.most
            && let Some(piece) = self.next()?
        {
            let message = HostMessage::Feed(Concealed(piece.as_slice()));
            let number =
                connection.send(&message).map_err(|why| DeviceFault::Port { role, why })?;
            self.sent.push_back((number, piece));
        }
        Ok(())
    }

    /// The next piece, if there is one now.
    fn next(&mut self) -> Result<Option<Piece>, DeviceFault> {
        let role = self.role;
        if let Some(piece) = self.refused.pop_front() {
            return Ok(Some(piece));
        }
        let why = match self.source.piece() {
            Ok(piece) => return Ok(Some(piece)),
            Err(NoPiece::NoSystem) => return Err(DeviceFault::NoSeed { role }),
            Err(NoPiece::Waits(since)) if since < PATIENCE => return Ok(None),
            Err(NoPiece::Waits(_)) => {
                format!("has brought nothing for {} s", PATIENCE.as_secs())
            }
            Err(NoPiece::Ended(why)) => why,
        };
        let name = self.source.path().map_or_else(String::new, |path| path.display().to_string());
        Err(DeviceFault::FeedEnded { role, name, why })
    }

    /// The device has answered a command; the piece of it, if the device has taken one.
    ///
    /// # Errors
    /// It refuses for another reason than for want of room.
    pub fn answered(
        &mut self,
        command: u32,
        refused: Option<(ErrorCode, u32)>,
    ) -> Result<Option<Piece>, DeviceFault> {
        // Pieces are answered at once, and no answer has been lost: one of an earlier number was
        // damaged on its way, and has not been taken.
        while self.sent.front().is_some_and(|(number, _)| is_before(*number, command)) {
            self.sent.pop_front();
        }
        if self.sent.front().is_none_or(|(number, _)| *number != command) {
            return Ok(None);
        }
        let Some((_, piece)) = self.sent.pop_front() else { return Ok(None) };
        match refused {
            None => Ok(Some(piece)),
            Some((ErrorCode::Full, _)) => {
                self.refused.push_back(piece);
                self.rests_until = Some(Instant::now() + self.rest);
                Ok(None)
            }
            Some((code, detail)) => {
                Err(DeviceFault::Refused { role: self.role, command: "feed", code, detail })
            }
        }
    }
}

/// Numbers of commands go round.
fn is_before(number: u32, command: u32) -> bool {
    number != command && command.wrapping_sub(number) < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(answer: Result<Option<Piece>, DeviceFault>) -> Option<u8> {
        answer.expect("no fault").map(|piece| piece[0])
    }

    #[test]
    fn what_the_device_has_taken_is_known_by_its_answers() {
        let mut source = FeedSource::system();
        let mut feeder = Feeder::new(Role::Alice, &mut source, 1e6);
        let piece = |n: u8| Piece::new(vec![n; PIECE]);
        for n in 0..5u8 {
            feeder.sent.push_back((u32::MAX.wrapping_add(n.into()), piece(n)));
        }
        assert_eq!(taken(feeder.answered(u32::MAX - 1, None)), None, "a heartbeat before");
        assert_eq!(taken(feeder.answered(u32::MAX, None)), Some(0));
        let full = Some((ErrorCode::Full, 0));
        assert_eq!(taken(feeder.answered(0, full)), None);
        assert!(feeder.rests_until.is_some());
        assert_eq!(
            taken(feeder.answered(2, None)),
            Some(3),
            "the one before was damaged on its way"
        );
        assert_eq!(taken(feeder.answered(9, None)), None, "and so was the last");
        assert!(feeder.sent.is_empty());
        assert_eq!(feeder.next().unwrap().unwrap()[0], 1, "sent again");
        feeder.sent.push_back((10, piece(9)));
        let fault = feeder.answered(10, Some((ErrorCode::WrongState, 0))).unwrap_err();
        assert!(matches!(fault, DeviceFault::Refused { command: "feed", .. }));
    }

    /// A device that uses up the most there is, and says of a piece at once that it has no room: what
    /// is in its queue when the rest after it is over lasts while the computer is busy.
    #[test]
    fn the_queue_outlasts_a_busy_computer() {
        for of in ["usb:A", "tcp:desk:7001", "serial:/dev/ttyACM0"] {
            let rate = f64::from(most_bytes_per_second(&of.parse().unwrap()));
            let mut source = FeedSource::system();
            let feeder = Feeder::new(Role::Alice, &mut source, rate);
            let look = super::super::LOOK.as_secs_f64();
            let full = f64::from(QUEUE) - PIECE as f64;
            let left = full - rate * (feeder.rest.as_secs_f64() + look);
            assert!(left / rate >= f64::from(BUSY_MS) * 1e-3, "{of}: {left} bytes");
        }
    }

    #[test]
    fn no_port_is_asked_for_more_than_it_bears() {
        let of = |text: &str| most_bytes_per_second(&text.parse().unwrap());
        assert_eq!(of("usb:A"), 140_800);
        assert_eq!(of("tcp:desk:7001"), 60_235);
        assert_eq!(of("serial:/dev/ttyACM0"), 6_912);
    }
}
