//! A recording as a device.

use super::{Chunks, NotARecording, Way};
use crate::transport::{Transport, TransportError};
use helio_wire::{
    Decoder, DeviceMessage, HostMessage, MAX_FRAME, decode_device, decode_host, encode_device,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Read;
use std::time::{Duration, Instant};

/// How long an answer waits for a host that has not given the command.
const HOLD: Duration = Duration::from_secs(2);
/// What the answer to a command that this host has not given carries in place of its number: a host
/// does not get so far.
const NOBODYS: u32 = u32::MAX;
/// Live commands of a kind that the recording answers later, or never.
const MOST_WAITING: usize = 1024;

/// Says again what a recorded device said, as fast as it is listened to.
///
/// Answers carry the number of the command: each answer is given the number of this host's own next
/// command of the same kind, and waits for that command, up to 2 s. So a program that does what the
/// recorded one did sees what that one saw; what it tells the device otherwise changes nothing.
/// Every other frame, and every byte that was no frame, comes as it was. At the end the port is
/// [closed](TransportError::Closed).
#[derive(Debug)]
pub struct Replay<R> {
    chunks: Chunks<R>,
    /// Of the recorded host.
    recorded: Decoder,
    /// The recorded commands whose answers have not come, but heartbeats.
    commands: HashMap<u32, u8>,
    heartbeats: HashSet<u32>,
    /// Of the host that listens now.
    live: Decoder,
    /// Its commands whose answers have not come: kind and number.
    waiting: VecDeque<(u8, u32)>,
    /// What the device says: whole frames up to their zero, the last one perhaps not whole.
    said: VecDeque<u8>,
    /// Since when an answer waits for its command.
    held: Option<Instant>,
}

impl<R: Read> Replay<R> {
    /// Plays a recording.
    ///
    /// # Errors
    /// [`NotARecording`].
    pub fn new(file: R) -> Result<Replay<R>, NotARecording> {
        Ok(Replay {
            chunks: Chunks::new(file)?,
            recorded: Decoder::new(),
            commands: HashMap::new(),
            heartbeats: HashSet::new(),
            live: Decoder::new(),
            waiting: VecDeque::new(),
            said: VecDeque::new(),
            held: None,
        })
    }

    /// Bytes at the end of the file that could not be used, once it has ended.
    pub fn cut_bytes(&self) -> u64 {
        self.chunks.cut_bytes()
    }

    /// Takes the next record; whether there was one.
    fn take(&mut self) -> bool {
        let Some(chunk) = self.chunks.next() else { return false };
        if chunk.way == Way::FromDevice {
            self.said.extend(&chunk.bytes);
            return true;
        }
        let (commands, heartbeats) = (&mut self.commands, &mut self.heartbeats);
        self.recorded.push(&chunk.bytes, |frame| {
            if let Ok(frame) = frame
                && let Ok((header, message)) = decode_host(frame)
            {
                match message {
                    HostMessage::Heartbeat => _ = heartbeats.insert(header.sequence),
                    _ => _ = commands.insert(header.sequence, frame.kind()),
                }
            }
        });
        true
    }

    /// Moves what may be said now into `chunk`; `false` where an answer must wait.
    fn say(&mut self, chunk: &mut Vec<u8>) -> bool {
        while let Some(end) = self.said.iter().position(|byte| *byte == 0) {
            let frame: Vec<u8> = self.said.range(..=end).copied().collect();
            match self.renumber(&frame) {
                Answer::Wait => return false,
                Answer::None => chunk.extend(&frame),
                Answer::Renumbered(again) => chunk.extend(again),
            }
            self.held = None;
            self.said.drain(..=end);
        }
        // No frame is so long: nothing to wait for.
        if self.said.len() > MAX_FRAME {
            chunk.extend(self.said.drain(..));
        }
        true
    }

    fn renumber(&mut self, bytes: &[u8]) -> Answer {
        let mut answer = Answer::None;
        // One decoder for each: a frame begins after the zero before it.
        Decoder::new().push(bytes, |frame| {
            let Ok((header, mut message)) =
                frame.map_err(drop).and_then(|frame| decode_device(frame).map_err(drop))
            else {
                return;
            };
            let number = match &mut message {
                DeviceMessage::Hello { command, .. }
                | DeviceMessage::Ack { command, .. }
                | DeviceMessage::Value { command, .. }
                | DeviceMessage::Error { command, .. } => command,
                _ => return,
            };
            let Some(live) = self.live_number(*number) else {
                answer = Answer::Wait;
                return;
            };
            *number = live;
            let mut again = [0; MAX_FRAME];
            if let Ok(length) = encode_device(&header, &message, &mut again) {
                answer = Answer::Renumbered(again[..length].to_vec());
            }
        });
        answer
    }

    /// The number that stands for a recorded one; `None` if its command has not been given yet.
    fn live_number(&mut self, recorded: u32) -> Option<u32> {
        if self.heartbeats.remove(&recorded) {
            return Some(NOBODYS);
        }
        let Some(kind) = self.commands.get(&recorded) else { return Some(NOBODYS) };
        let number = match self.waiting.iter().position(|(live, _)| live == kind) {
            Some(at) => self.waiting.remove(at)?.1,
            None if self.held.get_or_insert_with(Instant::now).elapsed() < HOLD => return None,
            None => NOBODYS,
        };
        self.commands.remove(&recorded);
        Some(number)
    }
}

enum Answer {
    /// It is none.
    None,
    Renumbered(Vec<u8>),
    Wait,
}

impl<R: Read> Transport for Replay<R> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        let waiting = &mut self.waiting;
        let mut secret = false;
        self.live.push(bytes, |frame| {
            if let Ok(frame) = frame
                && let Ok((header, message)) = decode_host(frame)
                && message != HostMessage::Heartbeat
            {
                secret |= matches!(message, HostMessage::Seed(_) | HostMessage::Feed(_));
                waiting.push_back((frame.kind(), header.sequence));
                if waiting.len() > MOST_WAITING {
                    waiting.pop_front();
                }
            }
        });
        if secret {
            self.live.wipe();
        }
        Ok(())
    }

    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        chunk.clear();
        loop {
            let may_go_on = self.say(chunk);
            if !chunk.is_empty() {
                return Ok(());
            }
            if !may_go_on {
                // Only a command helps, which comes between two calls, or the end of patience.
                let held = self.held.map_or(HOLD, |since| since.elapsed());
                std::thread::sleep(timeout.min(HOLD.saturating_sub(held)));
                if timeout < HOLD {
                    return Err(TransportError::TimedOut);
                }
            } else if !self.take() {
                // Bytes after the last zero: a frame that the recording's end has torn.
                chunk.extend(self.said.drain(..));
                return if chunk.is_empty() { Err(TransportError::Closed) } else { Ok(()) };
            }
        }
    }
}
