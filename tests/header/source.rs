//! What src/ffi says about itself before cbindgen reads it: which files are chapters, which items
//! they make public and in which order. It knows the layout that rustfmt gives, not the language.

use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A file of src/ffi that has a part in the header.
pub struct Chapter {
    pub name: String,
    pub path: PathBuf,
    /// Its first `//!` line.
    pub title: String,
    pub items: Vec<Item>,
}

/// Something of a file that stands in the header too.
pub struct Item {
    pub name: String,
    pub kind: Kind,
    /// Whether the file has a blank line before it: the header then has one as well.
    pub stands_apart: bool,
}

pub enum Kind {
    /// Of this type, as Rust names it.
    Constant(String),
    /// Another name for this type, or a shape of functions.
    Alias(String),
    Structure,
    Function,
    /// A heading between items: a comment of its own.
    Heading(String),
}

/// In the order of the `mod` lines; the files of types and constants come first there.
pub fn chapters() -> Vec<Chapter> {
    let folder = root().join("src/ffi");
    read(&folder.join("mod.rs"))
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(|name| {
            let path = folder.join(format!("{name}.rs"));
            let text = read(&path);
            let title = text.lines().next().and_then(|line| line.strip_prefix("//! "));
            let title = title.unwrap_or_else(|| panic!("{name}.rs does not begin with //!"));
            Chapter { name: name.to_owned(), title: title.to_owned(), items: items(&text), path }
        })
        .filter(|chapter| !chapter.items.is_empty())
        .collect()
}

fn items(text: &str) -> Vec<Item> {
    let mut found = Vec::new();
    let mut exported = false;
    let mut stands_apart = false;
    let mut comment = String::new();
    for line in text.lines() {
        if line.starts_with("mod tests") || line.starts_with("#[cfg(test)]") {
            break;
        }
        if line.trim().is_empty() {
            if !comment.is_empty() && stands_apart {
                let text = std::mem::take(&mut comment);
                found.push(Item { name: String::new(), kind: Kind::Heading(text), stands_apart });
            }
            comment.clear();
            stands_apart = true;
            continue;
        }
        if let Some(words) = line.strip_prefix("// ") {
            comment.push_str(words);
            comment.push('\n');
            continue;
        }
        comment.clear();
        exported |= line == "#[unsafe(no_mangle)]";
        if let Some((name, kind)) = item(line, exported) {
            found.push(Item { name, kind, stands_apart });
            exported = false;
        }
        if !line.starts_with("///") && !line.starts_with("#[") {
            stands_apart = false;
        }
    }
    found
}

fn item(line: &str, exported: bool) -> Option<(String, Kind)> {
    let name = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let after = |separator: &str| {
        let (_, rest) = line.split_once(separator)?;
        Some(rest.split([' ', ';']).next()?.to_owned())
    };
    if let Some(rest) = line.strip_prefix("pub const WS_") {
        return Some((format!("WS_{}", name(rest)), Kind::Constant(after(": ")?)));
    }
    if let Some(rest) = line.strip_prefix("pub type ws_") {
        return Some((format!("ws_{}", name(rest)), Kind::Alias(after(" = ").unwrap_or_default())));
    }
    if let Some(rest) = line.strip_prefix("pub struct ws_") {
        return Some((format!("ws_{}", name(rest)), Kind::Structure));
    }
    let function = line.split_once("extern \"C\" fn ");
    function.filter(|_| exported).map(|(_, rest)| (name(rest), Kind::Function))
}

/// The names of all functions of src/ffi that the linker sees, wherever they stand.
pub fn exports() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("src/ffi")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        for part in read(&path).split("#[unsafe(no_mangle)]").skip(1) {
            let (_, rest) = part.split_once(" fn ").expect("a function follows no_mangle");
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            found.push((path.clone(), name.to_owned()));
        }
    }
    found.sort();
    found
}
