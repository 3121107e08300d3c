//! Writing a recording while a transport is used.

use super::conceal::Commands;
use super::{MAX_CHUNK, RECORD_HEAD, Way, head};
use crate::transport::{Transport, TransportError};
use std::io::{self, Write};
use std::time::Duration;

/// Writes a recording.
#[derive(Debug)]
pub struct RecordWriter<W> {
    file: W,
    record: Vec<u8>,
}

impl<W: Write> RecordWriter<W> {
    /// Begins a recording with its head.
    ///
    /// # Errors
    /// Of the file.
    pub fn new(mut file: W) -> io::Result<RecordWriter<W>> {
        file.write_all(&head())?;
        Ok(RecordWriter { file, record: Vec::new() })
    }

    /// Writes a chunk; `at_ns` is host time since the recording began. No bytes make no record.
    ///
    /// # Errors
    /// Of the file; what was written of the record is cut by who reads it.
    pub fn put(&mut self, way: Way, at_ns: u64, bytes: &[u8]) -> io::Result<()> {
        for chunk in bytes.chunks(MAX_CHUNK) {
            self.record.clear();
            self.record.reserve(RECORD_HEAD + chunk.len() + 4);
            self.record.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
            self.record.push(way as u8);
            self.record.extend_from_slice(&at_ns.to_le_bytes());
            self.record.extend_from_slice(chunk);
            let checksum = crc32fast::hash(&self.record);
            self.record.extend_from_slice(&checksum.to_le_bytes());
            self.file.write_all(&self.record)?;
        }
        Ok(())
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// Of the file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// The file below, flushed.
    ///
    /// # Errors
    /// Of the file.
    pub fn finish(mut self) -> io::Result<W> {
        self.file.flush()?;
        Ok(self.file)
    }
}

/// A transport that is recorded. A recording that cannot be written ends, and is told of once; the
/// transport goes on.
pub struct Recorded<T, W, C> {
    transport: T,
    writer: Result<RecordWriter<W>, Option<io::Error>>,
    clock: C,
    commands: Commands,
}

impl<T: Transport, W: Write, C: FnMut() -> u64> Recorded<T, W, C> {
    /// Records from here on; `clock` gives nanoseconds since now.
    pub fn new(transport: T, writer: RecordWriter<W>, clock: C) -> Recorded<T, W, C> {
        Recorded { transport, writer: Ok(writer), clock, commands: Commands::default() }
    }

    /// Why the recording ended early; told once.
    pub fn fault(&mut self) -> Option<io::Error> {
        self.writer.as_mut().err()?.take()
    }

    fn note(&mut self, write: impl FnOnce(&mut RecordWriter<W>, u64) -> io::Result<()>) {
        let at = (self.clock)();
        if let Ok(writer) = &mut self.writer
            && let Err(error) = write(writer, at)
        {
            self.writer = Err(Some(error));
        }
    }
}

impl<T: Transport, W: Write, C: FnMut() -> u64> Transport for Recorded<T, W, C> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        // Written first: an answer never stands before its command.
        let mut commands = std::mem::take(&mut self.commands);
        self.note(|writer, at| commands.push(bytes, |part| writer.put(Way::ToDevice, at, part)));
        self.commands = commands;
        self.transport.send(bytes)
    }

    /// A silent line is the time to hand to the operating system what is written.
    fn receive(&mut self, chunk: &mut Vec<u8>, timeout: Duration) -> Result<(), TransportError> {
        let received = self.transport.receive(chunk, timeout);
        match received {
            Ok(()) => self.note(|writer, at| writer.put(Way::FromDevice, at, chunk)),
            Err(_) => self.note(|writer, _| writer.flush()),
        }
        received
    }

    fn openings(&self) -> u32 {
        self.transport.openings()
    }
}
