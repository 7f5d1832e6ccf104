//! What is said to each kind of server, and how its answers begin.
//!
//! An answer of several lines is over with the first line that begins as expected: all of these
//! protocols mark their last line.

/// Who logs in where somebody must.
pub(crate) const USER: &str = "ftpu";

/// What the scripts and the proxies know that user by.
pub(crate) const PASSWORD: &str = "pw";

/// crypt(3) of the same, in SHA-512, as both FTP servers and Squid read it.
pub(crate) const PASSWORD_HASH: &str = "$6$interop$\
    syIUi.JoCPc2U.WpbdXZqcWRiI9tWrJurp1ZgmxdXliWvJgRgk/ySif2Y2.t2RsKgTfjsLj7OVQvDxgjSw9j5.";

/// A conversation.
pub(crate) struct Script {
    /// As the report calls it.
    pub(crate) name: &'static str,
    /// How the command is told to start TLS.
    pub(crate) options: &'static [&'static str],
    /// In clear text, until TLS starts; none where it starts with the first byte.
    pub(crate) before: &'static [Exchange],
    /// Under TLS. Ends with something that the server does not do in clear text. None of it is said
    /// in clear text too, before or after: the wire is searched for it.
    pub(crate) secure: &'static [Exchange],
    /// How TLS can be stopped before the end.
    pub(crate) stop: Option<Stop>,
    /// The end, in clear text or not, after which the server closes; none where it waits for us to.
    pub(crate) goodbye: Option<Exchange>,
}

/// How TLS is stopped, and what is said in clear text after it.
pub(crate) struct Stop {
    /// As the report calls the conversation with it.
    pub(crate) name: &'static str,
    pub(crate) request: Exchange,
    pub(crate) clear: &'static [Exchange],
}

/// Something to say, or nothing, and how the last line of the answer begins.
#[derive(Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) say: &'static str,
    pub(crate) hear: &'static str,
}

const fn say(say: &'static str, hear: &'static str) -> Exchange {
    Exchange { say, hear }
}

const fn hear(hear: &'static str) -> Exchange {
    Exchange { say: "", hear }
}

/// Mail is taken only under TLS.
pub(crate) static SMTP: Script = Script {
    name: "smtp STARTTLS",
    options: &["--starttls", "smtp"],
    before: &[hear("220 "), say("EHLO outside", "250 "), say("STARTTLS", "220 ")],
    secure: &[say("EHLO inside", "250 "), say("MAIL FROM:<me@localhost>", "250 ")],
    stop: None,
    goodbye: Some(say("QUIT", "221 ")),
};

/// Users are let in only under TLS.
pub(crate) static IMAP: Script = Script {
    name: "imap STARTTLS",
    options: &["--starttls", "imap"],
    before: &[hear("* OK "), say("a STARTTLS", "a OK ")],
    secure: &[say("b CAPABILITY", "b OK "), say("c LOGIN ftpu pw", "c OK ")],
    stop: None,
    goodbye: Some(say("d LOGOUT", "d OK ")),
};

/// As in [`IMAP`].
pub(crate) static POP3: Script = Script {
    name: "pop3 STLS",
    options: &["--starttls", "pop3"],
    before: &[hear("+OK "), say("STLS", "+OK ")],
    secure: &[say("CAPA", "."), say("USER ftpu", "+OK"), say("PASS pw", "+OK ")],
    stop: None,
    goodbye: Some(say("QUIT", "+OK ")),
};

/// Users are let in only under TLS.
pub(crate) static FTP: Script = Script {
    name: "ftp AUTH TLS",
    options: &["--starttls", "ftp"],
    before: &[hear("220 "), say("AUTH TLS", "234 ")],
    secure: &[say("FEAT", "211 "), say("USER ftpu", "331 "), say("PASS pw", "230 ")],
    stop: Some(Stop {
        name: "ftp AUTH TLS, CCC",
        request: say("CCC", "200 "),
        clear: &[say("NOOP", "200 "), say("PWD", "257 ")],
    }),
    goodbye: Some(say("QUIT", "221 ")),
};

/// Our own server: its first clear text comes together with the end of TLS.
pub(crate) static GLUED: Script = Script {
    name: "ftp AUTH TLS",
    options: &["--starttls", "ftp"],
    before: &[hear("220 "), say("AUTH TLS", "234 ")],
    secure: &[say("STAT", "200 under TLS")],
    stop: Some(Stop {
        name: "ftp CCC, glued",
        request: say("CCC", "200 ok"),
        clear: &[hear("250 glued"), say("NOOP", "200 in clear text")],
    }),
    goodbye: Some(say("QUIT", "221 ")),
};

/// TLS from the first byte. Ends with a close_notify and no word.
pub(crate) static BARE: Script = Script {
    name: "tls",
    options: &["--tls"],
    before: &[],
    secure: &[say("stressed", "desserts")],
    stop: None,
    goodbye: None,
};
