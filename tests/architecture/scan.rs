//! Reads Rust just well enough to judge it line by line: what is code and what is comment or text,
//! which lines are tests, and which paths into the crate a line names.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file as the rules see it.
pub struct Source {
    /// From the root of the repository, with `/`.
    pub name: String,
    /// As written.
    pub lines: Vec<String>,
    /// The same without comments and without what stands between quotes.
    pub code: Vec<String>,
    /// The first line that is only compiled for tests; the number of lines when there is none.
    pub tests_from: usize,
}

impl Source {
    pub fn new(name: &str, text: &str) -> Source {
        let code = code_only(text);
        let code: Vec<String> = code.lines().map(str::to_owned).collect();
        let marks = |at: usize| {
            code[at].trim() == "#[cfg(test)]"
                && code.iter().skip(at + 1).take(3).any(|line| {
                    line.starts_with("mod ") && (line.ends_with(';') || line.ends_with('{'))
                })
        };
        let tests_from = (0..code.len()).find(|at| marks(*at)).unwrap_or(code.len());
        let lines = text.lines().map(str::to_owned).collect();
        Source { name: name.to_owned(), lines, code, tests_from }
    }

    /// The lines of code that are not tests, numbered from 0.
    pub fn shipped(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.iter().map(String::as_str).enumerate().take(self.tests_from)
    }

    /// `src/protocol/frame.rs` belongs to `protocol`; `src/lib.rs` to none.
    pub fn floor(&self) -> Option<&str> {
        self.name.strip_prefix("src/")?.split_once('/').map(|(floor, _)| floor)
    }
}

/// Every file of `folder`; those that only exist for tests count as tests from the first line.
pub fn sources(root: &Path, folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root.join(folder), &mut paths);
    paths.sort();
    let mut tests: Vec<PathBuf> = Vec::new();
    let mut found = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        tests.extend(test_files(path, &text));
        let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        found.push(Source::new(&name, &text));
    }
    for (path, source) in paths.iter().zip(&mut found) {
        if tests.contains(path) {
            source.tests_from = 0;
        }
    }
    found
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Files that `text` declares behind `#[cfg(test)]`.
fn test_files(path: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let folder = path.parent().unwrap();
    let stem = path.file_stem().unwrap();
    let beneath = if stem == "mod" { folder.to_owned() } else { folder.join(stem) };
    let lines: Vec<_> = text.lines().collect();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| **line == "#[cfg(test)]") {
        let renamed = lines.get(at + 1).and_then(|line| {
            Some(folder.join(line.strip_prefix("#[path = \"")?.strip_suffix("\"]")?))
        });
        let declared = lines.iter().skip(at + 1).take(2).find_map(|line| {
            let (_, name) = line.strip_suffix(';')?.split_once("mod ")?;
            Some(beneath.join(format!("{name}.rs")))
        });
        found.extend(declared.map(|file| renamed.unwrap_or(file)));
    }
    found
}

/// Blanks out comments and the content of texts and letters; every line stays where it was.
pub fn code_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '"' => text_length(rest),
            'r' if raw_length(rest).is_some() && !ends_in_word(&out) => raw_length(rest).unwrap(),
            '\'' if letter_length(rest) > 1 => letter_length(rest),
            _ => {
                out.push(letter);
                rest = &rest[letter.len_utf8()..];
                continue;
            }
        };
        let (blanked, behind) = rest.split_at(length);
        // A text stays a text, so that `["a"]` does not become `[]`.
        if !blanked.starts_with('/') {
            out.push_str("\"\"");
        }
        out.extend(blanked.chars().filter(|letter| *letter == '\n'));
        rest = behind;
    }
    out
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn text_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_length(text: &str) -> Option<usize> {
    let behind = text[1..].trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(text.len() - 1 - behind.len()));
    let inside = behind.strip_prefix('"')?;
    let start = text.len() - inside.len();
    Some(inside.find(&end).map_or(text.len(), |at| start + at + end.len()))
}

/// `'a'` and `'\n'` are letters, `'a` is a lifetime.
fn letter_length(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), _) => text[3..].find('\'').map_or(text.len(), |at| at + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// Whether `word` stands alone in the line.
pub fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_word)
            && !line[at + word.len()..].chars().next().is_some_and(is_word)
    })
}

/// Every path that begins with `crate::`, without that, with the number of its line. Groups are
/// taken apart: `crate::{a::B, c}` names `a::B` and `c`.
pub fn crate_paths(code: &[String]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in code.iter().enumerate() {
        for (at, _) in line.match_indices("crate::") {
            if line[..at].chars().next_back().is_some_and(is_word) {
                continue;
            }
            let mut rest = line[at + "crate::".len()..].to_owned();
            // A group may go on over the next lines.
            for next in code.iter().skip(number + 1) {
                if rest.matches('{').count() <= rest.matches('}').count() || !line.contains("use ")
                {
                    break;
                }
                rest.push_str(next.trim());
            }
            expand("", &rest, &mut |path| found.push((number, path)));
        }
    }
    found
}

fn expand(before: &str, text: &str, found: &mut impl FnMut(String)) {
    let text = text.trim();
    let end = text.find(|letter| !is_word(letter) && letter != ':').unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let whole = format!("{before}{path}");
    let Some(group) = rest.strip_prefix('{').filter(|_| path.is_empty() || path.ends_with("::"))
    else {
        let whole = whole.trim_end_matches("::").trim_end_matches("::self");
        return found(whole.to_owned());
    };
    let mut depth = 0;
    let mut start = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            ',' if depth == 0 => {
                expand(&whole, &group[start..at], found);
                start = at + 1;
            }
            '}' if depth == 0 => {
                if !group[start..at].trim().is_empty() {
                    expand(&whole, &group[start..at], found);
                }
                return;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
}

#[test]
fn comments_and_texts_are_no_code() {
    let text =
        "a // unsafe\nb \"unsafe \\\" {\" c /* un\nsafe */ d r#\"x\"y\"# 'u' '\\'' &'a str\n";
    assert_eq!(code_only(text), "a \nb \"\" c \n d \"\" \"\" \"\" &'a str\n");
}

#[test]
fn tests_begin_at_their_module() {
    let text = "fn a() {}\n#[cfg(test)]\nuse x;\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
    let source = Source::new("src/base/a.rs", text);
    assert_eq!(source.tests_from, 5);
    assert_eq!(source.floor(), Some("base"));
    assert_eq!(source.shipped().count(), 5);
    assert_eq!(Source::new("src/lib.rs", "mod a;\n").floor(), None);
}

#[test]
fn groups_of_paths_are_taken_apart() {
    let paths = |text: &str| -> Vec<(usize, String)> {
        crate_paths(&code_only(text).lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let named = |text| paths(text).into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    assert_eq!(named("use crate::base::lock;"), ["base::lock"]);
    assert_eq!(named("use crate::{a::{self, B}, c};"), ["a", "a::B", "c"]);
    assert_eq!(named("use crate::{\n    a::B,\n    c,\n};"), ["a::B", "c"]);
    assert_eq!(named("let x = crate::reactor::now();"), ["reactor::now"]);
    assert_eq!(named("// crate::client\nuse my_crate::x;"), Vec::<String>::new());
    assert_eq!(paths("a\nuse crate::b;"), [(1, "b".to_owned())]);
}

#[test]
fn words_stand_alone() {
    assert!(has_word("x = unsafe { y }", "unsafe"));
    assert!(!has_word("#[allow(unsafe_code)]", "unsafe"));
}
