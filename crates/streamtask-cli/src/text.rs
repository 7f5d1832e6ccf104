//! Bytes of strangers, made fit for a terminal.
//!
//! Whatever a server says may end up on a screen, in verbose output and in errors; none of it may move
//! the cursor, change colours or turn the direction of writing.

use std::fmt::Write;

/// As much of one line as a person wants to see.
const MOST: usize = 200;

/// The text of `bytes` with everything escaped that a terminal would act upon, and cut if it is long.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|character| put(character, &mut text));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    match text.char_indices().nth(MOST) {
        Some((end, _)) => text[..end].to_owned() + "…",
        None => text,
    }
}

fn put(character: char, text: &mut String) {
    match character.is_control() || is_format(character) {
        true => text.extend(character.escape_default()),
        false => text.push(character),
    }
}

/// Marks that reorder or hide what stands around them, and separators that break lines.
fn is_format(character: char) -> bool {
    matches!(character,
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_upon_passes() {
        assert_eq!(printable(b"250 \x1b[2Jok\r\n\x9b\x00"), r"250 \u{1b}[2Jok\r\n\x9b\u{0}");
        assert_eq!(printable("\u{202e}evil \u{9b}1m".as_bytes()), r"\u{202e}evil \u{9b}1m");
    }

    #[test]
    fn other_letters_stay() {
        assert_eq!(printable("Grüße, 世界".as_bytes()), "Grüße, 世界");
    }

    #[test]
    fn long_lines_are_cut() {
        let text = printable(&[b'a'; 1000]);
        assert_eq!(text.chars().count(), MOST + 1);
        assert!(text.ends_with('…'));
    }
}
