//! The public face of the library as a list, so that no change of it goes unnoticed.
//!
//! rustdoc knows it best: the signatures are taken from its pages. Those of items that other crates brought
//! along are theirs to change and are named only.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the list is kept.
const LIST: &str = "crates/streamtask/api.txt";
/// Of `rustls-pki-types`, under names of ours.
const BORROWED: [&str; 2] = ["Certificate", "PrivateKey"];

/// Compares the list with what rustdoc's pages say, or writes it anew.
pub(crate) fn check(pages: &Path, is_blessed: bool) -> io::Result<bool> {
    let now = list(pages)?;
    if is_blessed {
        fs::write(LIST, &now)?;
        return Ok(true);
    }
    let before = fs::read_to_string(LIST).unwrap_or_default();
    let changes = changes(&before, &now);
    for change in &changes {
        println!("{change}");
    }
    if !changes.is_empty() {
        println!("the public API has changed: if it was meant to, `cargo xtask api --bless`");
    }
    Ok(changes.is_empty())
}

/// Every item with its signatures, one a line.
fn list(pages: &Path) -> io::Result<String> {
    let mut items = BTreeMap::new();
    for page in fs::read_dir(pages)? {
        let page: PathBuf = page?.path();
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((kind, name)) = item(&name) else { continue };
        let mut lines = match BORROWED.contains(&name) {
            true => Vec::new(),
            false => signatures(&fs::read_to_string(&page)?),
        };
        // The methods of other people's traits are theirs: that they are implemented is enough.
        lines.retain(|line| {
            kind == "trait" || !line.starts_with("fn ") && !line.starts_with("type ")
        });
        items.insert(name.to_owned(), (kind.to_owned(), lines));
    }
    let mut list = String::new();
    for (name, (kind, lines)) in items {
        list.push_str(&format!("{kind} {name}\n"));
        lines.iter().for_each(|line| list.push_str(&format!("    {line}\n")));
    }
    Ok(list)
}

/// `struct.Error.html` is the page of a struct of that name.
fn item(file: &str) -> Option<(&str, &str)> {
    let (kind, rest) = file.strip_suffix(".html")?.split_once('.')?;
    let kinds = ["struct", "enum", "trait", "type", "fn", "constant", "macro"];
    kinds.contains(&kind).then_some((kind, rest))
}

/// What stands in a page's headers and fields, as plain text.
fn signatures(page: &str) -> Vec<String> {
    // What every type has or has not (Send, Sync and their like) follows from the rest, and so do the
    // methods that come with other people's traits.
    let own = page.split("id=\"synthetic-implementations\"").next().unwrap_or(page);
    let own = own.split("id=\"blanket-implementations\"").next().unwrap_or(own);
    let mut all = Vec::new();
    for (place, _) in own.match_indices('<') {
        let rest = &own[place..];
        let header = ["<h3 class=\"code-header\">", "<h4 class=\"code-header\">"]
            .iter()
            .find_map(|start| rest.strip_prefix(start)?.split("</h").next());
        let field = rest
            .strip_prefix("<code>")
            .filter(|_| own[..place].ends_with("anchor field\">§</a>"))
            .and_then(|rest| rest.split("</code>").next());
        all.extend(header.or(field).map(plain));
    }
    all
}

/// Without tags, entities and line breaks.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for letter in html.replace("<div", " <div").chars() {
        match letter {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            _ if is_tag => {}
            letter => text.push(letter),
        }
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let text = entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines that came and went, under the items they are of.
fn changes(before: &str, now: &str) -> Vec<String> {
    let (before, now) = (under_items(before), under_items(now));
    let gone = before.iter().filter(|line| !now.contains(line)).map(|line| format!("- {line}"));
    let new = now.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}

fn under_items(list: &str) -> Vec<String> {
    let mut item = "";
    let mut lines = Vec::new();
    for line in list.lines() {
        match line.strip_prefix("    ") {
            Some(signature) => lines.push(format!("{item}: {signature}")),
            None => {
                item = line;
                lines.push(line.to_owned());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_read_from_a_page_without_its_tags() {
        let page = "<section id=\"method.a\"><h4 class=\"code-header\">pub fn <a href=\"#\">a</a>(\n    \
                    &amp;self,\n) -&gt; <a>u8</a></h4></section>\
                    <a href=\"#f\" class=\"anchor field\">§</a><code>f: <a>bool</a></code>\
                    <div>not <code>this</code></div>\
                    <h2 id=\"synthetic-implementations\"><h3 class=\"code-header\">impl Send</h3>";
        assert_eq!(signatures(page), ["pub fn a( &self, ) -> u8", "f: bool"]);
    }

    #[test]
    fn a_change_is_named_with_its_item() {
        let before = "struct A\n    pub fn a()\nstruct B\n    pub fn a()\n";
        let now = "struct A\n    pub fn b()\nstruct B\n    pub fn a()\n";
        assert_eq!(changes(before, now), ["- struct A: pub fn a()", "+ struct A: pub fn b()"]);
        assert!(changes(now, now).is_empty());
    }

    #[test]
    fn only_items_have_pages_that_count() {
        assert_eq!(item("enum.Pin.html"), Some(("enum", "Pin")));
        for other in ["index.html", "all.html", "sidebar-items.js", "foundation"] {
            assert_eq!(item(other), None);
        }
    }
}
