//! The situations of a race, by the sections of RFC 8305.

use super::*;

/// A race, and what it has wished so far.
struct Situation {
    race: Race,
    start: Instant,
    now: Instant,
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn v6(last: u16) -> SocketAddr {
    address(&format!("[2001:db8::{last}]:25"))
}

fn v4(last: u8) -> SocketAddr {
    address(&format!("192.0.2.{last}:25"))
}

fn refused() -> Error {
    ErrorKind::CannotConnect.into()
}

fn unknown() -> Error {
    ErrorKind::CannotFindHost.into()
}

impl Situation {
    fn with(options: RaceOptions) -> Self {
        #[allow(clippy::disallowed_methods)] // any starting point will do
        let now = Instant::now();
        Situation { race: Race::for_name(now, options), start: now, now }
    }

    /// Both questions are out.
    fn asked() -> Self {
        let mut situation = Situation::with(RaceOptions::default());
        assert_eq!(situation.wishes(), ["resolve V6", "resolve V4"]);
        situation
    }

    fn wishes(&mut self) -> Vec<String> {
        let shown = |wish| match wish {
            Wish::Resolve(family) => format!("resolve {family:?}"),
            Wish::Attempt(number, address) => {
                format!("attempt {number} {}", address.ip().expect("no path").ip())
            }
            Wish::Adopt(number) => format!("adopt {number}"),
            Wish::GiveUp(error) => format!("give up: {error}"),
        };
        std::iter::from_fn(|| self.race.poll()).map(shown).collect()
    }

    fn after(&mut self, happened: Happened) -> Vec<String> {
        self.race.handle(self.now, happened);
        self.wishes()
    }

    fn resolved(&mut self, family: AddressFamily, addresses: &[SocketAddr]) -> Vec<String> {
        self.after(Happened::Resolved(family, Ok(addresses.to_vec())))
    }

    fn unresolved(&mut self, family: AddressFamily) -> Vec<String> {
        self.after(Happened::Resolved(family, Err(unknown())))
    }

    fn failed(&mut self, number: u32) -> Vec<String> {
        self.after(Happened::Failed(number, refused()))
    }

    /// Sleeps until the race wants to be woken, at so many milliseconds from the beginning.
    fn woken_at(&mut self, milliseconds: u64) -> Vec<String> {
        let until = self.race.until().expect("it waits for a moment");
        assert_eq!(until - self.start, Duration::from_millis(milliseconds));
        self.now = until;
        self.after(Happened::TimePassed)
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }
}

const NOTHING: [&str; 0] = [];

mod asking {
    use super::*;

    #[test]
    fn both_families_are_asked_for_the_one_that_is_liked_better_first() {
        let options = RaceOptions { preferred: AddressFamily::V4, ..RaceOptions::default() };
        assert_eq!(Situation::with(options).wishes(), ["resolve V4", "resolve V6"]);
        Situation::asked();
    }

    #[test]
    fn nobody_waits_for_the_second_answer_when_the_better_one_is_there() {
        let mut race = Situation::asked();
        assert_eq!(race.resolved(AddressFamily::V6, &[v6(1)]), ["attempt 0 2001:db8::1"]);
    }

    #[test]
    fn the_better_family_may_be_later_by_the_resolution_delay_counted_from_the_other_answer() {
        let mut race = Situation::asked();
        race.pass(70);
        assert_eq!(race.resolved(AddressFamily::V4, &[v4(1)]), NOTHING);
        race.pass(30);
        assert_eq!(race.after(Happened::TimePassed), NOTHING, "not yet");
        assert_eq!(race.woken_at(120), ["attempt 0 192.0.2.1"]);
    }

    #[test]
    fn an_answer_within_the_resolution_delay_begins_the_race_with_itself() {
        let mut race = Situation::asked();
        assert_eq!(race.resolved(AddressFamily::V4, &[v4(1)]), NOTHING);
        race.pass(20);
        assert_eq!(race.resolved(AddressFamily::V6, &[v6(1)]), ["attempt 0 2001:db8::1"]);
        assert_eq!(race.woken_at(270), ["attempt 1 192.0.2.1"]);
    }

    #[test]
    fn a_better_family_that_has_no_address_is_not_waited_for() {
        let mut race = Situation::asked();
        assert_eq!(race.resolved(AddressFamily::V4, &[v4(1)]), NOTHING);
        assert_eq!(race.unresolved(AddressFamily::V6), ["attempt 0 192.0.2.1"]);
        let mut race = Situation::asked();
        assert_eq!(race.resolved(AddressFamily::V6, &[]), NOTHING);
        assert_eq!(race.resolved(AddressFamily::V4, &[v4(1)]), ["attempt 0 192.0.2.1"]);
    }

    #[test]
    fn a_late_answer_joins_the_race() {
        let mut race = Situation::asked();
        race.resolved(AddressFamily::V4, &[v4(1), v4(2)]);
        assert_eq!(race.woken_at(50), ["attempt 0 192.0.2.1"]);
        race.pass(10);
        assert_eq!(race.resolved(AddressFamily::V6, &[v6(1)]), NOTHING);
        assert_eq!(race.woken_at(300), ["attempt 1 2001:db8::1"], "and it is its turn");
        assert_eq!(race.woken_at(550), ["attempt 2 192.0.2.2"]);
    }

    #[test]
    fn a_late_answer_is_tried_at_once_if_nothing_else_is_under_way() {
        let mut race = Situation::asked();
        race.resolved(AddressFamily::V4, &[v4(1)]);
        race.woken_at(50);
        assert_eq!(race.failed(0), NOTHING, "somebody may still answer");
        race.pass(10);
        assert_eq!(race.resolved(AddressFamily::V6, &[v6(1)]), ["attempt 1 2001:db8::1"]);
    }

    #[test]
    fn a_resolver_that_says_nothing_is_given_up_at_its_limit() {
        let mut race = Situation::asked();
        let given_up = race.woken_at(30_000);
        let why = "the name lookup failed (the name was not resolved within 30 s)";
        assert_eq!(given_up, [format!("give up: {why}")]);
        assert!(race.race.until().is_none(), "nothing is waited for any more");
    }

    #[test]
    fn only_the_first_answer_of_a_family_counts() {
        let mut race = Situation::asked();
        race.resolved(AddressFamily::V6, &[v6(1)]);
        assert_eq!(race.resolved(AddressFamily::V6, &[v6(2)]), NOTHING);
        assert_eq!(race.resolved(AddressFamily::V4, &[]), NOTHING);
        assert_eq!(
            race.failed(0),
            ["give up: cannot connect to the host (tried [2001:db8::1]:25)"]
        );
    }
}

mod trying {
    use super::*;

    fn both(sixes: &[SocketAddr], fours: &[SocketAddr]) -> Situation {
        let mut race = Situation::asked();
        race.resolved(AddressFamily::V4, fours);
        race.resolved(AddressFamily::V6, sixes);
        race
    }

    #[test]
    fn the_families_take_turns_and_the_rest_follows() {
        let mut race = both(&[v6(1), v6(2), v6(3)], &[v4(1)]);
        assert_eq!(race.woken_at(250), ["attempt 1 192.0.2.1"]);
        assert_eq!(race.woken_at(500), ["attempt 2 2001:db8::2"]);
        assert_eq!(race.woken_at(750), ["attempt 3 2001:db8::3"]);
        assert!(race.race.until().is_none(), "all are under way");
    }

    #[test]
    fn a_failure_starts_the_next_attempt_at_once_and_its_delay_anew() {
        let mut race = both(&[v6(1)], &[v4(1), v4(2)]);
        race.pass(100);
        assert_eq!(race.failed(0), ["attempt 1 192.0.2.1"]);
        assert_eq!(race.woken_at(350), ["attempt 2 192.0.2.2"]);
    }

    #[test]
    fn no_address_is_tried_twice() {
        let mut race = both(&[v6(1), v6(1)], &[v4(1)]);
        assert_eq!(race.failed(0), ["attempt 1 192.0.2.1"]);
        let lost = race.failed(1);
        assert_eq!(lost.len(), 1);
        assert!(lost[0].starts_with("give up"), "{lost:?}");
    }

    #[test]
    fn an_ipv4_address_in_ipv6s_clothes_is_the_same_address() {
        let mut race = both(&[address("[::ffff:192.0.2.1]:25")], &[v4(1)]);
        assert_eq!(race.race.attempts()[0].address, Address::Ip(v4(1)));
        assert_eq!(race.failed(0).len(), 1, "there is nothing else");
    }

    #[test]
    fn whoever_connects_first_wins_however_late_it_began() {
        let mut race = both(&[v6(1)], &[v4(1)]);
        race.woken_at(250);
        race.pass(5);
        assert_eq!(race.after(Happened::Connected(1)), ["adopt 1"]);
        assert_eq!(race.after(Happened::Connected(0)), NOTHING, "it is over");
        assert_eq!(race.failed(0), NOTHING);
        assert!(race.race.until().is_none());
        let attempts = race.race.into_attempts(race.now);
        assert!(attempts.iter().all(|attempt| attempt.ended == Some(race.now)), "both are over");
        let told: Vec<String> = attempts.iter().map(Attempt::to_string).collect();
        assert_eq!(told, ["[2001:db8::1]:25: left for another", "192.0.2.1:25: connected"]);
    }

    #[test]
    fn with_a_silent_first_address_the_second_is_there_after_the_attempt_delay() {
        let mut race = both(&[v6(1)], &[v4(1)]);
        assert_eq!(race.woken_at(250), ["attempt 1 192.0.2.1"]);
        assert_eq!(race.after(Happened::Connected(1)), ["adopt 1"]);
    }

    #[test]
    fn of_twenty_addresses_the_last_can_win() {
        let fours: Vec<_> = (1..=20).map(v4).collect();
        let mut race = both(&[], &fours);
        for number in 1..20 {
            assert_eq!(race.woken_at(250 * number).len(), 1);
        }
        assert_eq!(race.after(Happened::Connected(19)), ["adopt 19"]);
        assert_eq!(race.race.attempts().len(), 20);
    }

    #[test]
    fn when_all_have_failed_the_error_names_each_with_what_it_came_to() {
        let mut race = both(&[v6(1)], &[v4(1)]);
        race.after(Happened::Failed(0, ErrorKind::NotConnectedToInternet.into()));
        let lost = race.failed(1);
        let said = "give up: cannot connect to the host (tried [2001:db8::1]:25: this machine is not \
                    connected to a network, 192.0.2.1:25: cannot connect to the host)";
        assert_eq!(lost, [said]);
    }

    #[test]
    fn what_happened_to_a_connection_weighs_more_than_what_happened_to_a_name() {
        let mut race = Situation::asked();
        race.resolved(AddressFamily::V6, &[v6(1)]);
        race.after(Happened::Failed(0, ErrorKind::NotConnectedToInternet.into()));
        let lost = race.unresolved(AddressFamily::V4);
        assert!(lost[0].contains("not connected to a network"), "{lost:?}");
    }

    #[test]
    fn of_two_lookups_that_failed_the_one_counts_that_may_go_better_later() {
        let mut race = Situation::asked();
        race.after(Happened::Resolved(AddressFamily::V4, Err(ErrorKind::DnsLookupFailed.into())));
        assert_eq!(race.unresolved(AddressFamily::V6), ["give up: the name lookup failed"]);
    }

    #[test]
    fn a_name_without_any_address_is_told_as_such() {
        let mut race = Situation::asked();
        race.resolved(AddressFamily::V4, &[]);
        let lost = race.resolved(AddressFamily::V6, &[]);
        assert_eq!(lost, ["give up: the host cannot be found (it has no address)"]);
    }
}

/// Whatever happens in whatever order: attempts are numbered in turn, none is made twice, none behind the end,
/// and a race in which everything has answered is over.
#[test]
fn no_order_of_what_happens_confuses_it() {
    for seed in 0..20_000_u64 {
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        let mut race = Situation::asked();
        let (mut made, mut is_over, mut open) = (0, false, Vec::new());
        for step in 0..60 {
            let happened = match next(6) {
                0 => {
                    Happened::Resolved(AddressFamily::V6, Ok((0..next(3) as u16).map(v6).collect()))
                }
                1 => {
                    Happened::Resolved(AddressFamily::V4, Ok((0..next(4) as u8).map(v4).collect()))
                }
                2 => Happened::Resolved(
                    if next(2) == 0 { AddressFamily::V6 } else { AddressFamily::V4 },
                    Err(unknown()),
                ),
                3 if !open.is_empty() => {
                    let number = open.swap_remove(next(open.len() as u64) as usize);
                    Happened::Failed(number, refused())
                }
                4 if step > 20 && next(8) == 0 => Happened::Connected(next(4) as u32),
                _ => {
                    race.pass(next(400));
                    Happened::TimePassed
                }
            };
            for wish in race.after(happened) {
                assert!(!is_over, "seed {seed}: {wish} behind the end");
                match wish.split_once(' ').expect("two words") {
                    ("attempt", rest) => {
                        assert!(rest.starts_with(&format!("{made} ")), "seed {seed}: {wish}");
                        open.push(made);
                        made += 1;
                    }
                    ("adopt" | "give", _) => is_over = true,
                    _ => panic!("seed {seed}: {wish}"),
                }
            }
        }
        for family in [AddressFamily::V6, AddressFamily::V4] {
            is_over |= !race.unresolved(family).iter().all(|wish| wish.starts_with("attempt"));
        }
        for number in 0..20 {
            is_over |= !race.failed(number).iter().all(|wish| wish.starts_with("attempt"));
        }
        assert!(is_over && race.race.until().is_none(), "seed {seed}: it hangs");
        let mut tried: Vec<_> =
            race.race.attempts().iter().map(|known| known.address.clone()).collect();
        let count = tried.len();
        tried.sort();
        tried.dedup();
        assert_eq!(tried.len(), count, "seed {seed}: twice the same");
    }
}
