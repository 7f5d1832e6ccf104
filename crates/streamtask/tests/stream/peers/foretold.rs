//! What each client must be told by each peer: from what TCP and TLS are, and from nothing of ours.
//!
//! Where a race of the kernel's decides, all that it can come to is named; what depends on no race is one
//! thing only.

use streamtask::{EofKind, ErrorKind};

use super::client::{Client, MORE, STILL_MORE, Told};
use super::peer::{Ending, Heard, Hears, LINE, Peer, WORDS};
use crate::layers::Layer;

/// What comes behind the peer's last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Fin,
    /// A reset, and no FIN before it.
    Reset,
    /// Whether something of the client's comes in time to turn the FIN into a reset is a race.
    Either,
}

/// What the end of a write can be.
type Ends = &'static [Result<(), ErrorKind>];

const DONE: Ends = &[Ok(())];
const LOST: Ends = &[Err(ErrorKind::ConnectionLost)];
const EITHER: Ends = &[Ok(()), Err(ErrorKind::ConnectionLost)];

/// One client with one peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) peer: Peer,
    pub(crate) client: Client,
}

impl Case {
    pub(crate) fn check(self, told: &Told, heard: &Heard) {
        assert_eq!(told.words, WORDS, "not a byte is lost");
        assert!(self.ends().contains(&told.end), "its end is one of {:?}", self.ends());
        let writes = self.writes();
        assert_eq!(told.writes.len(), writes.len());
        for (write, can_be) in told.writes.iter().zip(writes) {
            assert!(can_be.contains(write), "a write's end is one of {can_be:?}");
        }
        let completions = self.completions(told.end);
        assert!(completions.contains(&told.completion), "the task ends as one of {completions:?}");
        self.check_heard(heard);
    }

    /// What a write completed arrives at a peer that reads to the end.
    pub(crate) fn check_heard(self, heard: &Heard) {
        let said: String = self.says().concat();
        let reads_to_end = self.peer.hears == Hears::ToEnd || self.peer.ending.reads_on();
        assert_eq!(heard.has_clean_end, reads_to_end);
        match (reads_to_end, self.peer.hears) {
            (true, _) => assert_eq!(heard.bytes, said),
            (false, Hears::Nothing) => assert_eq!(heard.bytes, ""),
            (false, _) => assert_eq!(heard.bytes, LINE),
        }
    }

    fn says(self) -> &'static [&'static str] {
        match self.client {
            Client::Pauses => &[LINE, MORE, STILL_MORE],
            Client::TalksOn => &[LINE, MORE],
            Client::Asks
            | Client::Quits
            | Client::Queues
            | Client::Fumbles
            | Client::Holds
            | Client::CallsBack => &[LINE],
        }
    }

    /// A socket that is closed sends FIN, but a reset if bytes lie unread in it.
    fn last(self) -> Last {
        let Peer { layer, hears, ending } = self.peer;
        match (ending, hears) {
            (Ending::Fin | Ending::FinInOne | Ending::Notify | Ending::Cut, _) => Last::Fin,
            (Ending::Reset | Ending::NotifyReset, _) => Last::Reset,
            (Ending::Close | Ending::CutClose, Hears::Nothing) => Last::Reset,
            (Ending::Close | Ending::CutClose, Hears::ToEnd) => Last::Fin,
            (Ending::Close | Ending::CutClose, Hears::Line) => match self.client {
                Client::Asks | Client::Pauses => Last::Fin,
                Client::TalksOn => Last::Either,
                // Their FIN is nothing to be read, but their close_notify is.
                Client::Quits
                | Client::Queues
                | Client::Fumbles
                | Client::Holds
                | Client::CallsBack => match layer {
                    Layer::Clear => Last::Fin,
                    Layer::Secure(_) => Last::Either,
                },
            },
        }
    }

    /// The ends that the reader can be told of.
    pub(crate) fn ends(self) -> &'static [Result<EofKind, ErrorKind>] {
        use ErrorKind::{ConnectionLost, Truncated};
        let is_secure = self.peer.layer != Layer::Clear;
        match (is_secure, self.last()) {
            // Nobody can make that up, and it came before whatever came behind it.
            (true, _) if self.peer.ending.says_close_notify() => &[Ok(EofKind::CloseNotify)],
            (true, Last::Fin) => &[Err(Truncated)],
            (true, Last::Either) => &[Err(Truncated), Err(ConnectionLost)],
            (false, Last::Fin) => &[Ok(EofKind::Fin)],
            (false, Last::Either) => &[Ok(EofKind::Fin), Err(ConnectionLost)],
            (_, Last::Reset) => &[Err(ConnectionLost)],
        }
    }

    fn reads_all(self) -> bool {
        self.peer.ending.reads_on() || self.peer.hears == Hears::ToEnd
    }

    pub(crate) fn writes(self) -> Vec<Ends> {
        match self.client {
            Client::Pauses if self.peer.ending.reads_on() => vec![DONE; 3],
            // The second is taken, since FIN says nothing of whether the peer reads; it is answered by a
            // reset, which the third meets.
            Client::Pauses if self.last() == Last::Fin => vec![DONE, DONE, LOST],
            Client::Pauses => vec![DONE, LOST, LOST],
            Client::TalksOn if self.reads_all() => vec![DONE; 2],
            Client::TalksOn => vec![DONE, EITHER],
            Client::Asks
            | Client::Quits
            | Client::Queues
            | Client::Fumbles
            | Client::Holds
            | Client::CallsBack => vec![DONE],
        }
    }

    /// How the task ends, for that end of the peer's.
    fn completions(self, end: Result<EofKind, ErrorKind>) -> Vec<Result<(), ErrorKind>> {
        let lost = Err(ErrorKind::ConnectionLost);
        let by_end = end.map(drop);
        let sends = match self.peer.layer {
            _ if end == Err(ErrorKind::ConnectionLost) => return vec![lost],
            _ if self.reads_all() => return vec![by_end],
            _ if self.client == Client::Pauses => return vec![lost],
            // Ending is no send in clear text.
            Layer::Clear => self.client == Client::TalksOn,
            Layer::Secure(_) => true,
        };
        match (sends, self.client, self.last()) {
            (false, ..) => vec![by_end],
            // Its close_notify comes last, and meets the reset.
            (true, Client::Asks, Last::Reset) => vec![lost],
            // Their close_notify is all they send behind their line: it is taken before any reset.
            (true, Client::Asks, _) => vec![by_end],
            (true, Client::TalksOn, _) | (true, _, Last::Reset) => vec![by_end, lost],
            (true, _, Last::Fin | Last::Either) => vec![by_end],
        }
    }
}
