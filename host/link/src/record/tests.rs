use super::*;
use crate::connection::{Connection, Event};
use crate::pipe::pipe;
use crate::transport::{Transport, TransportError};
use helio_units::Ticks;
use helio_wire::{
    Concealed, Decoder, DeviceMessage, Header, Health, HostMessage, MAX_FEED, MAX_FRAME, Stream,
    TagWriter, decode_host, encode_device,
};
use proptest::prelude::*;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(1);

/// What a device says, framed and numbered.
#[derive(Default)]
struct Says {
    sequences: [u32; Stream::COUNT],
}

impl Says {
    fn frame(&mut self, message: &DeviceMessage<'_>) -> Vec<u8> {
        let stream = message.stream();
        let sequence = &mut self.sequences[usize::from(stream.code())];
        let header = Header { stream, boot_nonce: 7, epoch: 1, sequence: *sequence };
        *sequence += 1;
        let mut frame = [0; MAX_FRAME];
        let length = encode_device(&header, message, &mut frame).unwrap();
        frame[..length].to_vec()
    }
}

/// All events of a connection as text, until it is idle or closed.
fn events(connection: &mut Connection<impl Transport>) -> (Vec<String>, TransportError) {
    let mut told = Vec::new();
    loop {
        if let Err(end) = connection.receive(SOON, |event| told.push(format!("{event:?}"))) {
            return (told, end);
        }
    }
}

/// A session of a host that disarms, then clears, with tags between; recorded.
fn record() -> (Vec<u8>, Vec<String>) {
    let (near, mut far) = pipe(100);
    let mut file = Vec::new();
    let mut time = 0;
    let clock = || {
        time += 10;
        time
    };
    let mut connection =
        Connection::new(Recorded::new(near, RecordWriter::new(&mut file).unwrap(), clock));
    let mut device = Says::default();
    let mut told = Vec::new();
    connection.beat().unwrap();
    for i in 0..3u64 {
        let command = connection.send(&HostMessage::Disarm).unwrap();
        connection.beat().unwrap();
        far.send(&device.frame(&DeviceMessage::Ack { command, tick: Ticks(i) })).unwrap();
        let beat = DeviceMessage::Ack { command: command + 1, tick: Ticks(i) };
        far.send(&device.frame(&beat)).unwrap();
        let mut tags = TagWriter::new([0; 16], 1, Ticks(i * 100));
        tags.set_reached(Ticks(i * 100 + 100));
        far.send(&device.frame(&DeviceMessage::Tags(tags.batch()))).unwrap();
        // Noise, and a frame in two chunks.
        far.send(&[9, 9, 9, 0]).unwrap();
        let health = device.frame(&DeviceMessage::Health(Health::default()));
        far.send(&health[..5]).unwrap();
        far.send(&health[5..]).unwrap();
        told.extend(events(&mut connection).0);
    }
    drop(far);
    assert_eq!(events(&mut connection).1, TransportError::Closed);
    drop(connection);
    (file, told)
}

/// Without the numbers of commands.
fn blind(told: &[String]) -> Vec<String> {
    let blind = |text: &String| match text.split_once("command: ") {
        Some((before, after)) => {
            format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => text.clone(),
    };
    told.iter().map(blind).collect()
}

#[test]
fn a_recording_played_again_is_the_device_again_whatever_the_numbers() {
    let (file, told) = record();
    let mut connection = Connection::new(Replay::new(file.as_slice()).unwrap());
    // This host has said something before, so that all its numbers are others.
    connection.beat().unwrap();
    connection.send(&HostMessage::Stop).unwrap();
    let mut again = Vec::new();
    let mut end = TransportError::TimedOut;
    for _ in 0..3 {
        let (before, idle) = events(&mut connection);
        again.extend(before);
        assert_eq!(idle, TransportError::TimedOut, "the answer waits for its command");
        let number = connection.send(&HostMessage::Disarm).unwrap();
        let after;
        (after, end) = events(&mut connection);
        assert!(after[0].contains(&format!("Ack {{ command: {number},")), "{after:?}");
        again.extend(after);
    }
    assert_eq!(end, TransportError::Closed);
    assert_eq!(blind(&again), blind(&told));
    assert!(connection.losses().frames.iter().all(|lost| *lost == 0), "{:?}", connection.losses());
    assert_eq!(connection.losses().bad_frames, 3);
}

/// Frames of a host that gives a seed and random bytes between other commands.
fn secrets(random: &[u8]) -> Vec<Vec<u8>> {
    let seed: [u8; 32] = std::array::from_fn(|i| 101 + i as u8);
    let messages = [
        HostMessage::Hello,
        HostMessage::Seed(Concealed(&seed)),
        HostMessage::Disarm,
        HostMessage::Feed(Concealed(random)),
        HostMessage::Heartbeat,
    ];
    let mut frame = [0; MAX_FRAME];
    let frames = messages.iter().enumerate().map(|(sequence, message)| {
        let sequence = sequence as u32;
        let header = Header { stream: Stream::Control, boot_nonce: 7, epoch: 1, sequence };
        let length = helio_wire::encode_host(&header, message, &mut frame).unwrap();
        frame[..length].to_vec()
    });
    frames.collect()
}

/// What the host said by a recording, and all of it in one.
fn said(file: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let chunks = Chunks::new(file).unwrap().filter(|chunk| chunk.way == Way::ToDevice);
    let frames: Vec<Vec<u8>> = chunks.map(|chunk| chunk.bytes).collect();
    let all = frames.concat();
    (frames, all)
}

#[test]
fn seeds_and_random_bytes_are_not_recorded_and_the_replay_is_a_device_all_the_same() {
    let random: Vec<u8> = (0..MAX_FEED).map(|i| (i * 7 % 251) as u8 | 1).collect();
    let sent = secrets(&random);
    let (near, mut far) = pipe(100);
    let mut file = Vec::new();
    let mut transport = Recorded::new(near, RecordWriter::new(&mut file).unwrap(), || 0);
    let mut device = Says::default();
    let mut chunk = Vec::new();
    for (command, frame) in sent.iter().enumerate() {
        transport.send(frame).unwrap();
        far.receive(&mut chunk, SOON).unwrap();
        assert_eq!(&chunk, frame, "the device gets what was sent");
        let ack = DeviceMessage::Ack { command: command as u32, tick: Ticks(5) };
        far.send(&device.frame(&ack)).unwrap();
        transport.receive(&mut chunk, SOON).unwrap();
    }
    drop(transport);
    let (recorded, _) = said(&file);
    for (i, (recorded, sent)) in recorded.iter().zip(&sent).enumerate() {
        let secret = i == 1 || i == 3;
        assert_eq!(recorded == sent, !secret, "{i}");
        Decoder::new().push(recorded, |frame| {
            let (header, message) = decode_host(frame.unwrap()).unwrap();
            assert_eq!(header.sequence, i as u32);
            match message {
                HostMessage::Seed(seed) => assert_eq!(seed.0, &[0; 32]),
                HostMessage::Feed(random) => assert_eq!(random.0, &[0; MAX_FEED]),
                _ => assert!(!secret),
            }
        });
    }
    // Another host gives another seed and hears the same answers, by its own numbers.
    let mut connection = Connection::new(Replay::new(file.as_slice()).unwrap());
    connection.send(&HostMessage::Hello).unwrap();
    let seed = connection.send(&HostMessage::Seed(Concealed(&[9; 32]))).unwrap();
    connection.send(&HostMessage::Disarm).unwrap();
    let feed = connection.send(&HostMessage::Feed(Concealed(&[9; 10]))).unwrap();
    let (told, end) = events(&mut connection);
    assert_eq!(end, TransportError::Closed);
    for number in [seed, feed] {
        let acked = format!("Ack {{ command: {number},");
        assert!(told.iter().any(|event| event.contains(&acked)), "{told:?}");
    }
}

#[test]
fn a_torn_tail_is_cut_and_told_and_damage_ends_the_file() {
    let (file, _) = record();
    let mut chunks = Chunks::new(file.as_slice()).unwrap();
    let whole: Vec<Chunk> = chunks.by_ref().collect();
    assert_eq!(chunks.cut_bytes(), 0);
    assert_eq!(whole[0].way, Way::ToDevice);
    assert!(whole.is_sorted_by_key(|chunk| chunk.at_ns));
    let last = 17 + whole.last().unwrap().bytes.len();
    for torn in 1..last {
        let mut chunks = Chunks::new(&file[..file.len() - torn]).unwrap();
        assert!(chunks.by_ref().eq(whole[..whole.len() - 1].iter().cloned()), "{torn}");
        assert_eq!(chunks.cut_bytes(), (last - torn) as u64);
    }
    let mut damaged = file.clone();
    damaged[HEAD + RECORD_HEAD] ^= 1;
    let mut chunks = Chunks::new(damaged.as_slice()).unwrap();
    assert_eq!((chunks.next(), chunks.cut_bytes()), (None, (file.len() - HEAD) as u64));
}

#[test]
fn other_files_are_refused() {
    assert!(matches!(Chunks::new(&b""[..]), Err(NotARecording::Other)));
    assert!(matches!(Chunks::new(&b"HELIOCBLxx"[..]), Err(NotARecording::Other)));
    let mut later = head();
    later[8] = 2;
    let later = Chunks::new(&later[..]).unwrap_err();
    assert!(later.to_string().contains("version 2"), "{later}");
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_connection() {
    let (near, mut far) = pipe(4);
    let disk = [0u8; HEAD + 21];
    let writer = RecordWriter::new(std::io::Cursor::new(disk)).unwrap();
    let mut transport = Recorded::new(near, writer, || 0);
    transport.send(&[1, 2, 0]).unwrap();
    assert!(transport.fault().is_none());
    transport.send(&[3, 4, 0]).unwrap();
    assert!(transport.fault().is_some() && transport.fault().is_none());
    let mut chunk = Vec::new();
    far.send(&[5]).unwrap();
    assert_eq!((transport.receive(&mut chunk, SOON), chunk.as_slice()), (Ok(()), &[5][..]));
}

proptest! {
    /// However a host's bytes are cut, the file holds whole commands, and none of the secrets.
    #[test]
    fn secrets_are_left_out_of_any_pieces(
        random in prop::collection::vec(1u8.., 40..MAX_FEED),
        sizes in prop::collection::vec(1usize..400, 1..40),
    ) {
        let sent = secrets(&random).concat();
        let (near, _far) = pipe(4000);
        let mut file = Vec::new();
        let mut transport = Recorded::new(near, RecordWriter::new(&mut file).unwrap(), || 0);
        let (mut left, mut sizes) = (sent.as_slice(), sizes.iter().cycle());
        while !left.is_empty() {
            let n = left.len().min(*sizes.next().unwrap());
            transport.send(&left[..n]).unwrap();
            left = &left[n..];
        }
        drop(transport);
        let (recorded, all) = said(&file);
        prop_assert_eq!(recorded.len(), 5);
        prop_assert!(!all.windows(12).any(|window| random.windows(12).any(|r| r == window)));
    }

    /// Chunks come back as they were written; any cut gives the whole records before it.
    #[test]
    fn what_is_written_is_read(
        written in prop::collection::vec(
            (any::<bool>(), any::<u64>(), prop::collection::vec(any::<u8>(), 1..40)),
            0..10,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut writer = RecordWriter::new(Vec::new()).unwrap();
        let mut ends = vec![HEAD];
        let mut chunks = Vec::new();
        for (to, at_ns, bytes) in written {
            let way = if to { Way::ToDevice } else { Way::FromDevice };
            writer.put(way, at_ns, &bytes).unwrap();
            ends.push(ends.last().unwrap() + 17 + bytes.len());
            chunks.push(Chunk { way, at_ns, bytes });
        }
        let file = writer.finish().unwrap();
        let cut = HEAD + cut.index(file.len() - HEAD + 1);
        let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
        let mut read = Chunks::new(&file[..cut]).unwrap();
        prop_assert!(read.by_ref().eq(chunks[..whole].iter().cloned()));
        prop_assert_eq!(read.cut_bytes(), (cut - ends[whole]) as u64);
    }

    /// Any bytes are a recording or none, and play to their end.
    #[test]
    fn any_bytes_end(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        headed in any::<bool>(),
    ) {
        if headed {
            bytes.splice(..0, head());
        }
        if let Ok(replay) = Replay::new(bytes.as_slice()) {
            let mut connection = Connection::new(replay);
            while connection.receive(SOON, |_: Event<'_>| {}).is_ok() {}
        }
    }
}
