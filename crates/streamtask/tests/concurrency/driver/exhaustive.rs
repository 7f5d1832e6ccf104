//! Whom to wake, alone and in every order: a read that was polled once and is held, news from the socket,
//! and somebody who begins to listen.
//!
//! Around [`Attention`] and [`Lead`] stands no more than what `poll` (operations.rs) and `Locked` (shared.rs)
//! do with them.

use std::sync::Arc;
use std::task::Waker;

use shuttle::thread;
use streamtask_proto::OpId;

use super::attention::{Attention, Audience};
use super::lead::Lead;
use crate::fault::Fault;
use crate::model::{check_all, check_all_if_full, finds};
use crate::people::{Kind, Sleeper};
use crate::sync::{Mutex, MutexGuard, lock};

/// A socket that has news once, and wakes whoever has left a waker by then.
#[derive(Default)]
struct Socket(shuttle::sync::Mutex<News>);

#[derive(Default)]
struct News {
    have_come: bool,
    waker: Option<Waker>,
}

impl Socket {
    fn tell(&self) {
        let mut news = self.0.lock().unwrap();
        news.have_come = true;
        let waker = news.waker.take();
        drop(news);
        waker.into_iter().for_each(Waker::wake);
    }

    fn has_news(&self, waker: Waker) -> bool {
        let mut news = self.0.lock().unwrap();
        news.waker = Some(waker);
        news.have_come
    }
}

struct State {
    attention: Attention<()>,
    audience: Audience,
}

struct Scene {
    state: Mutex<State>,
    id: OpId,
    lead: Arc<Lead>,
    driver: Arc<Sleeper>,
    socket: Socket,
}

impl Scene {
    fn new() -> Arc<Self> {
        let (lead, driver) = (Lead::new(), Sleeper::new(Kind::Runtime));
        drop(lead.set_driver(&driver.waker()));
        let mut attention = Attention::default();
        let id = attention.slots.open();
        let state = Mutex::new(State { attention, audience: Audience::Nobody });
        Arc::new(Scene { state, id, lead, driver, socket: Socket::default() })
    }

    /// Whether whoever polls the read finds the news.
    fn poll(&self) -> bool {
        let mine = Sleeper::new(Kind::User).waker();
        let mut state = lock(&self.state);
        let before = state.attention.unwatch(&self.lead, self.id);
        let is_seen = self.socket.has_news(self.lead.clone().into());
        let audience = state.audience;
        let unused = state.attention.watch(&self.lead, self.id, true, audience, mine);
        self.let_go(state);
        drop((before, unused));
        is_seen
    }

    fn listen(&self) {
        let mut state = lock(&self.state);
        state.audience = Audience::Somebody;
        self.let_go(state);
    }

    fn let_go(&self, mut state: MutexGuard<'_, State>) {
        let audience = state.audience;
        let settled = state.attention.settle(&self.lead, audience);
        drop(state);
        drop(settled.unused);
        if settled.needs_driver {
            self.driver.waker().wake();
        }
    }
}

fn a_held_read_news_and_a_listener() {
    let scene = Scene::new();
    let [first, second] = [scene.clone(), scene.clone()];
    let tells = thread::spawn(move || first.socket.tell());
    let polls = thread::spawn(move || second.poll());
    scene.listen();
    let is_seen = polls.join().unwrap();
    tells.join().unwrap();
    if !is_seen {
        // Now that somebody listens, it is the driver who looks.
        scene.driver.sleep();
    }
}

#[test]
fn somebody_looks_after_the_news_in_every_order() {
    check_all_if_full(4000, a_held_read_news_and_a_listener);
}

/// Whoever waits for room to write is the driver's, and so is a read that does not wait alone.
fn news_for_one_who_does_not_lead(is_read: bool, audience: Audience) {
    let scene = Scene::new();
    let mut state = lock(&scene.state);
    let waker = Sleeper::new(Kind::User).waker();
    let unused = state.attention.watch(&scene.lead, scene.id, is_read, audience, waker);
    drop((state, unused));
    scene.socket.has_news(scene.lead.clone().into());
    scene.socket.tell();
    scene.driver.sleep();
}

#[test]
fn only_a_read_that_waits_alone_is_told_instead_of_the_driver() {
    check_all(|| news_for_one_who_does_not_lead(false, Audience::Nobody));
    check_all(|| news_for_one_who_does_not_lead(true, Audience::Somebody));
}

#[test]
fn a_fault_is_found_in_some_order() {
    finds(Fault::DebtIsForgottenAtSettling, "deadlock", 2000, a_held_read_news_and_a_listener);
    finds(Fault::LeadStaysWithTheRead, "deadlock", 2000, a_held_read_news_and_a_listener);
}
