//! The loop of a relay's thread: accept, start relays, carry out orders.
//!
//! Its place: run by [`Wire`](super::Wire) on its own runtime until it is dropped.

use std::net;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::gate::{Gate, Traffic};
use super::relay;
use super::{Cut, Heard, Order, What};
use crate::port;

pub(super) async fn run(
    listener: net::TcpListener,
    target: SocketAddr,
    cut: Cut,
    heard: Heard,
    mut orders: UnboundedReceiver<Order>,
) {
    let waiting = listener.try_clone().expect("descriptors are to be had");
    let listener = port::adopt(listener);
    let traffic = watch::Sender::default();
    let mut relays = Relays { target, cut, heard, traffic, begun: 0, running: JoinSet::new() };
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => relays.begin(client),
            Some(_) = relays.running.join_next() => {}
            Some(order) = orders.recv() => {
                relays.begin_waiting(&waiting);
                relays.obey(order).await;
            }
            else => return,
        }
    }
}

struct Relays {
    target: SocketAddr,
    cut: Cut,
    heard: Heard,
    traffic: watch::Sender<Traffic>,
    begun: u64,
    running: JoinSet<()>,
}

impl Relays {
    fn begin(&mut self, client: TcpStream) {
        let cuts = [self.cut.cutter(2 * self.begun), self.cut.cutter(2 * self.begun + 1)];
        let gate = Gate::new(self.traffic.subscribe());
        self.running.spawn(relay::run(client, self.target, cuts, self.heard.clone(), gate));
        self.begun += 1;
    }

    /// A client that connected before an order is bound by it, even if the runtime has not
    /// polled for it yet; the system knows.
    fn begin_waiting(&mut self, listener: &net::TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            self.begin(port::adopt_stream(client));
        }
    }

    async fn obey(&mut self, order: Order) {
        match order.what {
            What::Stall => self.traffic.send_modify(|traffic| traffic.stalled = true),
            What::Resume => self.traffic.send_modify(|traffic| traffic.stalled = false),
            What::Reset => {
                self.traffic.send_modify(|traffic| traffic.resets += 1);
                while self.running.join_next().await.is_some() {}
            }
        }
        drop(order.done);
    }
}
