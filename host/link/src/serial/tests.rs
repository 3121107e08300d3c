use super::*;
use crate::connection::{Connection, Event};
use helio_units::Ticks;
use helio_wire::{
    Decoder, DeviceMessage, Header, HostMessage, MAX_FRAME, Stream, TagWriter, decode_host,
    encode_device,
};
use serialport::TTYPort;

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(20);

/// A pseudo-terminal: its far end, and the port that a host opens by name.
fn joined() -> (SerialTransport, SerialTransport) {
    let (far, near) = TTYPort::pair().unwrap();
    let name = near.name().unwrap();
    let host = SerialTransport::open(&name);
    let far = SerialTransport::new(Box::new(far));
    (host.unwrap(), far)
}

#[test]
fn commands_and_tags_pass_a_tty_unchanged() {
    let (host, mut far) = joined();
    let mut connection = Connection::new(host);
    let number = connection.send(&HostMessage::Arm { nonce: 0x0d0a_1103 }).unwrap();

    let (mut decoder, mut chunk, mut heard) = (Decoder::new(), Vec::new(), None);
    while heard.is_none() {
        far.receive(&mut chunk, LONG).unwrap();
        decoder.push(&chunk, |frame| {
            let (header, message) = decode_host(frame.unwrap()).unwrap();
            assert_eq!(message, HostMessage::Arm { nonce: 0x0d0a_1103 });
            heard = Some(header.sequence);
        });
    }
    assert_eq!(heard, Some(number));

    // Every byte value, many times over: a tty that is not raw would change some.
    const FRAMES: u32 = 300;
    let device = std::thread::spawn(move || {
        for sequence in 0..FRAMES {
            let base = Ticks(u64::from(sequence) * 0x0101_0301_1113);
            let mut writer = TagWriter::new([0; 16], 1, base);
            writer.set_reached(Ticks(base.0 + 1));
            let message = DeviceMessage::Tags(writer.batch());
            let header = Header { stream: Stream::Tags, boot_nonce: 7, epoch: 1, sequence };
            let mut frame = [0; MAX_FRAME];
            let length = encode_device(&header, &message, &mut frame).unwrap();
            far.send(&frame[..length]).unwrap();
        }
        far
    });
    let mut bases = Vec::new();
    while bases.len() < FRAMES as usize {
        let received = connection.receive(LONG, |event| {
            if let Event::Message(_, DeviceMessage::Tags(tags)) = event {
                bases.push(tags.base.0);
            }
        });
        received.unwrap();
    }
    let _far = device.join().unwrap();
    assert!(bases.iter().enumerate().all(|(i, base)| *base == i as u64 * 0x0101_0301_1113));
    assert!(connection.losses().is_clean());
}

#[test]
fn silence_times_out_and_an_unplugged_port_is_closed() {
    let (mut host, far) = joined();
    let mut chunk = vec![1];
    assert_eq!(host.receive(&mut chunk, SHORT), Err(TransportError::TimedOut));
    assert_eq!(host.receive(&mut chunk, Duration::ZERO), Err(TransportError::TimedOut));
    assert!(chunk.is_empty());
    drop(far);
    assert_eq!(host.receive(&mut chunk, LONG), Err(TransportError::Closed));
    assert_eq!(host.send(&[1]), Err(TransportError::Closed));
}

#[test]
fn a_port_that_is_open_is_busy() {
    let (_far, near) = TTYPort::pair().unwrap();
    let name = near.name().unwrap();
    let first = SerialTransport::open(&name).unwrap();
    let second = SerialTransport::open(&name).err().unwrap();
    assert!(matches!(second, OpenError::Busy { .. }), "{second}");
    drop(first);
    assert!(SerialTransport::open(&name).is_ok());
}

#[test]
fn refusals_name_the_port_and_the_remedy() {
    let error = SerialTransport::open("/dev/no-such-port").err().unwrap();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    assert!(error.to_string().contains("serial:/dev/no-such-port"));
    let denied = ErrorKind::Io(io::ErrorKind::PermissionDenied);
    let said = refusal("/dev/ttyACM0", &serialport::Error::new(denied, "denied"));
    assert!(matches!(said, OpenError::Permission { .. }));
    let said = said.to_string();
    assert!(said.contains("dialout") && said.contains("70-heliograph.rules"), "{said}");
}
