use super::*;

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(20);

fn joined() -> (TcpTransport, TcpTransport) {
    let port = TcpPort::bind("127.0.0.1", 0).unwrap();
    let DeviceAddress::Tcp { host, port: number } = port.address().unwrap() else {
        panic!("a TCP port has a TCP address");
    };
    let near = TcpTransport::connect(&host, number).unwrap();
    (near, port.accept(LONG).unwrap())
}

fn read_all(from: &mut TcpTransport, bytes: usize) -> Vec<u8> {
    let (mut all, mut chunk) = (Vec::new(), Vec::new());
    while all.len() < bytes {
        from.receive(&mut chunk, LONG).unwrap();
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    all
}

#[test]
fn bytes_pass_both_ways_in_order_and_more_than_a_socket_holds() {
    let (mut near, mut far) = joined();
    let sent: Vec<u8> = (0..20_000_000u32).map(|i| (i % 251) as u8).collect();
    let expected = sent.clone();
    let sender = std::thread::spawn(move || {
        far.send(&sent).unwrap();
        far
    });
    assert!(read_all(&mut near, expected.len()) == expected, "20 MB arrive as they were sent");
    let mut far = sender.join().unwrap();
    near.send(&[1, 2, 3]).unwrap();
    assert_eq!(read_all(&mut far, 3), [1, 2, 3]);
}

#[test]
fn an_idle_connection_times_out_and_empties_the_chunk() {
    let (mut near, mut far) = joined();
    let mut chunk = vec![9];
    for timeout in [SHORT, Duration::ZERO, SHORT] {
        let begun = Instant::now();
        assert_eq!(near.receive(&mut chunk, timeout), Err(TransportError::TimedOut));
        assert!(chunk.is_empty() && begun.elapsed() >= timeout);
    }
    far.send(&[7]).unwrap();
    near.receive(&mut chunk, LONG).unwrap();
    assert_eq!(chunk, [7]);
}

#[test]
fn a_peer_that_goes_is_closed_after_its_last_bytes() {
    let (mut near, mut far) = joined();
    far.send(&[1]).unwrap();
    drop(far);
    let mut chunk = Vec::new();
    assert_eq!(near.receive(&mut chunk, LONG), Ok(()));
    assert_eq!(near.receive(&mut chunk, LONG), Err(TransportError::Closed));
    // The first bytes into a closed connection may still be taken by the operating system.
    let sent = (0..100).map(|_| {
        std::thread::sleep(Duration::from_millis(1));
        near.send(&[1])
    });
    assert_eq!(sent.last(), Some(Err(TransportError::Closed)));
}

#[test]
fn a_host_does_not_wait_for_ever_on_a_device_that_stopped_reading() {
    let (mut near, far) = joined();
    let begun = Instant::now();
    let flood = vec![0; 64 << 20];
    assert_eq!(near.send(&flood), Err(TransportError::TimedOut));
    assert!(begun.elapsed() < LONG);
    drop(far);
}

#[test]
fn nobody_there_is_told_with_the_address() {
    let free = TcpPort::bind("127.0.0.1", 0).unwrap().address().unwrap();
    let DeviceAddress::Tcp { host, port } = &free else { panic!("a TCP address") };
    let refused = TcpTransport::connect(host, *port).unwrap_err();
    assert!(matches!(&refused, OpenError::Refused { address } if *address == free), "{refused}");
    assert!(refused.to_string().contains(&free.to_string()));
    // RFC 6761 keeps this name from ever resolving.
    let unknown = TcpTransport::connect("station.invalid", 1).unwrap_err();
    assert!(matches!(unknown, OpenError::Unreachable { .. }), "{unknown}");
}

#[test]
fn a_port_serves_one_host_after_the_other() {
    let port = TcpPort::bind("127.0.0.1", 0).unwrap();
    assert_eq!(port.accept(SHORT).unwrap_err(), TransportError::TimedOut);
    let DeviceAddress::Tcp { host, port: number } = port.address().unwrap() else {
        panic!("a TCP port has a TCP address");
    };
    for byte in [1, 2] {
        let mut near = TcpTransport::connect(&host, number).unwrap();
        near.send(&[byte]).unwrap();
        let mut far = port.accept(LONG).unwrap();
        assert_eq!(read_all(&mut far, 1), [byte]);
    }
    let taken = TcpPort::bind(&host, number).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
}

#[test]
fn halves_work_apart_and_either_closes_both() {
    let (mut near, far) = joined();
    let peer = far.peer().unwrap();
    assert!(peer.ip().is_loopback());
    let (mut sender, mut receiver) = far.split().unwrap();
    let mut chunk = vec![9];
    assert_eq!(receiver.receive(&mut chunk, SHORT), Err(TransportError::TimedOut));
    assert!(chunk.is_empty());
    near.send(&[1, 2]).unwrap();
    receiver.receive(&mut chunk, LONG).unwrap();
    assert_eq!(chunk, [1, 2]);
    // A receiver that timed out has not shortened what the sender waits.
    let flood = std::thread::spawn(move || {
        loop {
            if let Err(error) = sender.send(&[0; 1 << 16]) {
                return error;
            }
        }
    });
    read_all(&mut near, 20_000_000);
    std::thread::sleep(3 * SHORT);
    assert!(!flood.is_finished(), "nobody reads and the sender waits");
    receiver.close();
    assert_eq!(flood.join().unwrap(), TransportError::Closed);
    assert_eq!(receiver.receive(&mut chunk, LONG), Err(TransportError::Closed));
}
