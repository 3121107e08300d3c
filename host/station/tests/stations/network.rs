//! The two stations on two hosts of their own, with a slow and lossy wire between them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::desk::{Desk, Process};

/// Blocks of 4 s over which a rate is taken.
const BLOCKS: usize = 10;

fn run(command: &str) {
    let output = Command::new("sh").args(["-ec", command]).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command}: {text}");
}

/// Two hosts, joined by a relay, each with a fast wire of its own to the light on this machine.
struct Hosts {
    names: [String; 2],
    relay: Child,
    /// The first two numbers of all addresses.
    net: String,
}

impl Hosts {
    /// `None`, aloud, where this machine cannot make them.
    fn new(delay_ms: u32, loss: f64) -> Option<Hosts> {
        let id = std::process::id() % 10_000;
        let names = [format!("hxa{id}"), format!("hxb{id}")];
        // Networks of its own, so that two checkouts can be tried at once.
        let net = format!("10.{}", 64 + id % 128);
        let try_out =
            format!("ip netns add {0} && ip netns del {0} && test -c /dev/net/tun", names[0]);
        let can = Command::new("sh").args(["-c", &try_out]).output();
        let python = Command::new("python3").arg("--version").output();
        if !can.is_ok_and(|o| o.status.success()) || !python.is_ok_and(|o| o.status.success()) {
            println!(
                "SKIPPED: network of two hosts: run as root on Linux with iproute2, /dev/net/tun and \
                 python3"
            );
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/network/relay.py");
        let mut relay = Command::new("python3")
            .args([script, &names[0], &names[1], &delay_ms.to_string(), &loss.to_string(), "7"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut ready = String::new();
        let stdout = relay.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("a line");
        assert_eq!(ready, "ready\n");
        let hosts = Hosts { names, relay, net };
        for (i, name) in hosts.names.iter().enumerate() {
            let (mine, other, net) = (1 + i, 2 - i, &hosts.net);
            run(&format!(
                "ip netns add {name}; ip link set {name} netns {name}; \
                 ip -n {name} addr add {net}.0.{mine} peer {net}.0.{other} dev {name}; \
                 ip -n {name} link set {name} up; ip -n {name} link set lo up; \
                 ip link add {name}h type veth peer name {name}g netns {name}; \
                 ip addr add {net}.{mine}.1/24 dev {name}h; ip link set {name}h up; \
                 ip -n {name} addr add {net}.{mine}.2/24 dev {name}g; ip -n {name} link set {name}g up"
            ));
        }
        Some(hosts)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let _ = self.relay.kill();
        let _ = self.relay.wait();
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
            let _ = Command::new("ip").args(["link", "del", &format!("{name}h")]).output();
        }
    }
}

/// Key bits a second of light over some blocks of a run in real time.
fn key_rate(desk: &Desk, hosts: &Hosts) -> f64 {
    let start = |name: &'static str, host: &str| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", host, env!("CARGO_BIN_EXE_helio"), name, "--config"]);
        command.arg(desk.path(&format!("{name}.toml")));
        Process::start(name, command)
    };
    let mut sim = desk.start("sim");
    sim.wait_for("Bob", 1);
    let mut bob = start("bob", &hosts.names[1]);
    let alice = start("alice", &hosts.names[0]);
    // Bits for the light that was spent on them: this machine may have other things to do, and
    // simulated light waits for it.
    let look = || {
        // The status lags by a fifth of a second, what it says of the device by half a second.
        std::thread::sleep(Duration::from_secs(1));
        let status = desk.status("bob");
        let number = |part: &str, name: &str| status[part][name].as_u64().expect("a number") as f64;
        (number("keys", "usable_bits"), number("device", "slots") / 5e6)
    };
    bob.wait_for("bits of key", 1);
    let (bits_before, light_before) = look();
    bob.wait_for("bits of key", 1 + BLOCKS);
    let (bits, light) = look();
    let rate = (bits - bits_before) / (light - light_before);
    let failed = bob.count("failed") + bob.count("dropped");
    println!("{rate:.0} bit/s of key, {failed} blocks failed or dropped");
    alice.terminate();
    bob.terminate();
    sim.terminate();
    rate
}

#[test]
fn delay_and_loss_leave_most_of_the_key_rate() {
    let desk = Desk::new("real time");
    // The blocks and the fibre of the default link: about 0.2 MB of talk a second.
    for name in ["alice", "bob"] {
        desk.edit(name, "slots_per_block = 2_500_000", "slots_per_block = 20_000_000");
    }
    desk.edit("sim", "length = \"0 km\"", "length = \"25 km\"");
    let Some(good) = Hosts::new(0, 0.0) else { return };
    let net = &good.net;
    desk.edit("sim", "127.0.0.1", "0.0.0.0");
    desk.edit("bob", "listen = \"127.0.0.1:", &format!("listen = \"{net}.0.2:"));
    desk.edit("alice", "connect = \"127.0.0.1:", &format!("connect = \"{net}.0.2:"));
    desk.edit("alice", "tcp:127.0.0.1:", &format!("tcp:{net}.1.1:"));
    desk.edit("bob", "tcp:127.0.0.1:", &format!("tcp:{net}.2.1:"));
    let without = key_rate(&desk, &good);
    drop(good);
    // 50 ms each way.
    let Some(bad) = Hosts::new(50, 0.01) else { return };
    let with = key_rate(&desk, &bad);
    let share = with / without;
    let control = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control");
    println!(
        "with 50 ms and 1 % loss each way: {:.0} % of the rate without (TCP {})",
        100.0 * share,
        control.unwrap_or_default().trim()
    );
    assert!(share >= 0.8, "{with} of {without} bit/s");
}
