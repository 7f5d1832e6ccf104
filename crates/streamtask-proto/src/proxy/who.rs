//! Who asks: what a proxy wants to hear of that, and the answer. Basic (RFC 7617) and Digest (RFC 7616).
//!
//! The strongest challenge that is understood is answered, and Basic never where Digest was offered: whoever
//! could take the better one away would be told the password.

use std::fmt::Write as _;

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::{Destination, Login};
use crate::{Error, ErrorKind};

/// What a proxy wants to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Digest(Digest),
}

/// A challenge of Digest, as far as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    algorithm: Algorithm,
    /// Whether the secret is hashed once more with the nonces (`-sess`).
    is_session: bool,
    /// Whether we add a nonce of our own.
    has_qop: bool,
    /// Only the nonce was wrong, because it was old.
    is_stale: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Challenge {
    /// The strongest that is understood, of all that the fields of an answer offer.
    pub(super) fn strongest<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let offers: Vec<Offer> = fields.flat_map(|field| offers(&text(field))).collect();
        let is = |offer: &Offer, scheme: &str| offer.scheme.eq_ignore_ascii_case(scheme);
        if offers.iter().any(|offer| is(offer, "digest")) {
            let digests = offers.iter().filter(|offer| is(offer, "digest"));
            let best = digests.filter_map(Digest::of).max_by_key(|digest| digest.algorithm);
            return best.map(Challenge::Digest);
        }
        offers.iter().any(|offer| is(offer, "basic")).then_some(Challenge::Basic)
    }

    /// Whether the same name and password may be tried again.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Challenge::Digest(digest) if digest.is_stale)
    }

    /// The field that answers it, for so many times by now.
    ///
    /// # Errors
    /// When no random number can be had.
    pub(super) fn answer(
        &self,
        login: &Login,
        to: &Destination,
        uses: u32,
    ) -> Result<String, Error> {
        let answer = match self {
            Challenge::Basic => {
                let both = STANDARD.encode(format!("{}:{}", login.user, login.password));
                format!("Basic {both}")
            }
            Challenge::Digest(digest) => {
                let mut bytes = [0; 16];
                rand::fill(&mut bytes).map_err(|_| {
                    let why = "no random number can be had";
                    Error::new(ErrorKind::ResourceExhausted).with_detail(why)
                })?;
                digest.answer(login, "CONNECT", &to.to_string(), &hex(&bytes), uses)
            }
        };
        Ok(format!("Proxy-Authorization: {answer}\r\n"))
    }
}

impl Digest {
    /// `None` if it wants what is not known here.
    fn of(offer: &Offer) -> Option<Self> {
        let name = offer.get("algorithm").unwrap_or("MD5").to_ascii_lowercase();
        let (name, is_session) = match name.strip_suffix("-sess") {
            Some(name) => (name, true),
            None => (&*name, false),
        };
        let algorithm = match name {
            "md5" => Algorithm::Md5,
            "sha-256" => Algorithm::Sha256,
            _ => return None,
        };
        let qop = offer.get("qop");
        let is_auth = |word: &str| word.trim().eq_ignore_ascii_case("auth");
        if qop.is_some_and(|words| !words.split(',').any(is_auth)) {
            return None;
        }
        Some(Digest {
            algorithm,
            is_session,
            has_qop: qop.is_some(),
            is_stale: offer.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            realm: offer.get("realm")?.to_owned(),
            nonce: offer.get("nonce")?.to_owned(),
            opaque: offer.get("opaque").map(str::to_owned),
        })
    }

    /// RFC 7616, 3.4.
    fn answer(&self, login: &Login, method: &str, uri: &str, ours: &str, uses: u32) -> String {
        let count = format!("{uses:08x}");
        let Digest { realm, nonce, .. } = self;
        let mut secret = self.hash(&format!("{}:{realm}:{}", login.user, login.password));
        if self.is_session {
            secret = self.hash(&format!("{secret}:{nonce}:{ours}"));
        }
        let what = self.hash(&format!("{method}:{uri}"));
        let response = self.hash(&match self.has_qop {
            true => format!("{secret}:{nonce}:{count}:{ours}:auth:{what}"),
            false => format!("{secret}:{nonce}:{what}"),
        });
        let name = match (self.algorithm, self.is_session) {
            (Algorithm::Md5, false) => "MD5",
            (Algorithm::Md5, true) => "MD5-sess",
            (Algorithm::Sha256, false) => "SHA-256",
            (Algorithm::Sha256, true) => "SHA-256-sess",
        };
        let mut answer = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm={name}",
            quoted(&login.user),
            quoted(realm),
            quoted(nonce),
            quoted(uri),
        );
        if self.has_qop || self.is_session {
            let _ = write!(answer, ", qop=auth, nc={count}, cnonce={}", quoted(ours));
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(answer, ", opaque={}", quoted(opaque));
        }
        answer
    }

    fn hash(&self, text: &str) -> String {
        match self.algorithm {
            Algorithm::Md5 => hex(&Md5::digest(text.as_bytes())),
            Algorithm::Sha256 => hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A field's value, on one line: what is said back must not begin another.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// One challenge of a list (RFC 9110, 11.6.1).
#[derive(Debug, Default)]
struct Offer {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Offer {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A word with a value belongs to the scheme before it, one without begins the next.
fn offers(list: &str) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', ',', '=']);
        let word = taken(&mut rest, |c| !matches!(c, ' ' | ',' | '=' | '"'));
        if word.is_empty() {
            return offers;
        }
        let behind = rest.trim_start();
        match (behind.strip_prefix('='), offers.last_mut()) {
            (Some(value), Some(offer)) => {
                rest = value.trim_start();
                let value = match rest.strip_prefix('"') {
                    Some(quoted) => unquoted(quoted, &mut rest),
                    None => taken(&mut rest, |c| !matches!(c, ' ' | ',')).to_owned(),
                };
                offer.parameters.push((word.to_owned(), value));
            }
            _ => offers.push(Offer { scheme: word.to_owned(), parameters: Vec::new() }),
        }
    }
}

fn taken<'a>(rest: &mut &'a str, belongs: impl Fn(char) -> bool) -> &'a str {
    let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    *rest = behind;
    word
}

/// Up to the closing quote, which may be missing.
fn unquoted<'a>(quoted: &'a str, rest: &mut &'a str) -> String {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((_, character)) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    *rest = characters.as_str();
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strongest(fields: &[&str]) -> Option<Challenge> {
        Challenge::strongest(fields.iter().map(|field| field.as_bytes()))
    }

    fn digest(field: &str) -> Digest {
        match strongest(&[field]) {
            Some(Challenge::Digest(digest)) => digest,
            other => panic!("{other:?}"),
        }
    }

    /// The example of RFC 7616, 3.9.1.
    #[test]
    fn the_answers_are_those_of_the_rfc() {
        let login = Login { user: "Mufasa".into(), password: "Circle of Life".into() };
        let ours = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let asked = digest(&format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            ));
            let answer = asked.answer(&login, "GET", "/dir/index.html", ours, 1);
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
            assert!(answer.contains("opaque=\"FQhe/"), "{answer}");
        }
    }

    #[test]
    fn the_strongest_that_is_understood_is_answered_and_basic_never_beside_digest() {
        let md5 = "Digest realm=\"a\", nonce=\"n\"";
        let sha = "Digest realm=\"a\", nonce=\"n\", algorithm=SHA-256";
        let unknown = "Digest realm=\"a\", nonce=\"n\", algorithm=SHA-512-256";
        let algorithm = |fields: &[&str]| match strongest(fields) {
            Some(Challenge::Digest(digest)) => Some(digest.algorithm),
            Some(Challenge::Basic) | None => None,
        };
        assert_eq!(algorithm(&["Basic realm=\"b\"", md5, sha]), Some(Algorithm::Sha256));
        assert_eq!(algorithm(&[&format!("{sha}, {md5}, Basic realm=b")]), Some(Algorithm::Sha256));
        assert_eq!(algorithm(&[md5, unknown]), Some(Algorithm::Md5));
        assert_eq!(strongest(&[unknown, "Basic realm=b"]), None);
        assert_eq!(strongest(&["Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\""]), None);
        assert_eq!(
            strongest(&["Negotiate YII==, Basic realm=\"x, Digest y\""]),
            Some(Challenge::Basic)
        );
        assert_eq!(strongest(&["Negotiate", "NTLM TlRM="]), None);
    }

    #[test]
    fn what_is_quoted_may_hold_anything_and_comes_back_as_it_was() {
        let asked = digest("digest Realm = \"a \\\"b\\\", \\\\c\" ,nonce=\"x=y\",stale=TRUE");
        assert_eq!((&*asked.realm, &*asked.nonce, asked.is_stale), ("a \"b\", \\c", "x=y", true));
        let login = Login { user: "q\"".into(), password: "p".into() };
        let answer = asked.answer(&login, "CONNECT", "h:1", "ours", 1);
        assert!(
            answer.starts_with("Digest username=\"q\\\"\", realm=\"a \\\"b\\\", \\\\c\""),
            "{answer}"
        );
        let folded = digest("Digest realm=\"a\r\n b\", nonce=\"n\"");
        assert_eq!(folded.realm, "a   b", "no line of ours is begun by theirs");
    }

    #[test]
    fn no_list_however_broken_confuses_it() {
        let mut random = 1_u64;
        for _ in 0..20_000 {
            let mut list = String::new();
            for _ in 0..random % 12 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let words = [
                    "Digest", "Basic", "realm", "nonce", "=", "\"", ",", " ", "\\", "ä", "==", "a",
                ];
                list += words[(random % 12) as usize];
            }
            let _ = strongest(&[&list]);
            random = random.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        }
    }
}
