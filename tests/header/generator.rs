//! Puts include/anyws.h together: cbindgen prints the declarations of each file of src/ffi, and
//! what it cannot do is done here: the order of the files and of the items within them, banners,
//! the essay, numbers as people know them, the version.

use std::collections::HashMap;

use super::source::{self, Chapter, Kind};

const WIDTH: usize = 100;

pub fn header() -> String {
    let chapters = source::chapters();
    let signed: HashMap<String, bool> = chapters
        .iter()
        .flat_map(|chapter| &chapter.items)
        .filter_map(|item| match &item.kind {
            Kind::Alias(of) => Some((item.name.clone(), of.starts_with('i'))),
            _ => None,
        })
        .collect();

    let mut text = essay(&chapters);
    text.push_str(&prologue());
    for chapter in &chapters {
        text.push_str(&banner(&chapter.title));
        if chapter.name == "result" {
            text.push_str(RESULT_MACROS);
        }
        text.push_str(&body(chapter, &signed));
    }
    text.push_str("\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* ANYWS_H */\n");
    plain_letters(&text)
}

/// The items in the order of the file, except that C wants a type before its first use.
fn body(chapter: &Chapter, signed: &HashMap<String, bool>) -> String {
    let mut blocks = blocks(chapter);
    let mut waiting: Vec<String> = Vec::new();
    let mut text = String::new();
    for item in &chapter.items {
        if item.stands_apart {
            waiting.retain(|block| {
                let is_early = uses_any(block, &blocks);
                if !is_early {
                    text.push('\n');
                    text.push_str(block);
                }
                is_early
            });
        }
        let block = match &item.kind {
            Kind::Heading(words) => heading(words),
            kind => {
                let block = blocks.remove(&item.name).unwrap_or_else(|| {
                    panic!("cbindgen prints no {} of {}", item.name, chapter.path.display())
                });
                match kind {
                    Kind::Constant(of) => with_number(&block, of, signed),
                    _ if uses_any(&block, &blocks) => {
                        waiting.push(block);
                        continue;
                    }
                    _ => block,
                }
            }
        };
        if item.stands_apart {
            text.push('\n');
        }
        text.push_str(&block);
    }
    waiting.iter().for_each(|block| text.extend(["\n", block]));
    let left: Vec<_> = blocks.keys().collect();
    assert!(left.is_empty(), "{}: unexpected in the header: {left:?}", chapter.name);
    text
}

fn uses_any(block: &str, later: &HashMap<String, String>) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    declaration(block)
        .split(|letter| !is_name(letter))
        .any(|word| later.get(word).is_some_and(|block| declaration(block).starts_with("typedef")))
}

fn essay(chapters: &[Chapter]) -> String {
    let mut text = String::from("/*\n");
    let mut in_code = false;
    for line in source::read(&source::root().join("src/ffi/essay.md")).lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let line = match line {
            "{chapters}" => index(chapters),
            line if in_code => format!("    {line}"),
            line => line.to_owned(),
        };
        for line in line.lines().chain(line.is_empty().then_some("")) {
            text.push_str(format!(" * {line}").trim_end());
            text.push('\n');
        }
    }
    text.push_str(" */\n");
    text
}

/// The first words of all banners, in their order.
fn index(chapters: &[Chapter]) -> String {
    let mut lines = vec![String::new()];
    for chapter in chapters {
        let name = chapter.title.split(':').next().unwrap_or_default().trim_end_matches('.');
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(name);
        } else if line.len() + name.len() + 6 > WIDTH {
            line.push(';');
            lines.push(name.to_owned());
        } else {
            line.extend(["; ", name]);
        }
    }
    lines.join("\n") + "."
}

fn prologue() -> String {
    let [major, minor, patch] = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    ]
    .map(|part| part.parse::<u32>().unwrap());
    let whole = major << 16 | minor << 8 | patch;
    let text = env!("CARGO_PKG_VERSION");
    format!(
        r#"#ifndef ANYWS_H
#define ANYWS_H

#include <stddef.h>
#include <stdint.h>

/* On Windows define ANYWS_STATIC before this line to link with the static library. */
#if defined(_WIN32) && !defined(ANYWS_STATIC)
#define WS_API __declspec(dllimport)
#else
#define WS_API
#endif

#ifdef __cplusplus
extern "C" {{
#endif
{banner}
/** The version of this header; that of the library which was loaded: ws_version. */
#define WS_VERSION_MAJOR {major}
#define WS_VERSION_MINOR {minor}
#define WS_VERSION_PATCH {patch}
/** The same as one number: 0xMMmmpp. */
#define WS_VERSION 0x{whole:06X}
/** The same as text. */
#define WS_VERSION_STRING "{text}"
"#,
        banner = banner("The version of this header.")
    )
}

const RESULT_MACROS: &str = "
/** Whether a result says that it worked. */
#define WS_SUCCEEDED(result) ((ws_result)(result) >= 0)
/** Whether a result says that it failed. */
#define WS_FAILED(result) ((ws_result)(result) < 0)
";

fn banner(title: &str) -> String {
    let rule = "=".repeat(WIDTH - 6);
    format!("\n/* {rule}\n * {title}\n * {rule} */\n")
}

fn heading(words: &str) -> String {
    format!("/* {} */\n", words.trim_end().replace('\n', "\n * "))
}

/// What cbindgen prints for one file, by the name that each part declares.
fn blocks(chapter: &Chapter) -> HashMap<String, String> {
    let mut config = cbindgen::Config::from_file(source::root().join("cbindgen.toml")).unwrap();
    // It leaves out types that nothing in the same file uses.
    config.export.include = chapter.items.iter().map(|item| item.name.clone()).collect();
    let mut printed = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(&chapter.path)
        .generate()
        .unwrap_or_else(|error| panic!("{}: {error}", chapter.path.display()))
        .write(&mut printed);
    let printed = String::from_utf8(printed).unwrap();
    printed
        .trim()
        .split("\n\n")
        .filter(|block| !block.trim().is_empty())
        .map(|block| {
            let block = compact(block.trim_matches('\n'));
            (declared_name(&block), block)
        })
        .collect()
}

/// The declaration behind a block's comment.
pub fn declaration(block: &str) -> &str {
    match block.strip_prefix("/**").and_then(|rest| rest.split_once("*/")) {
        Some((_, code)) => code.trim_start(),
        None => block,
    }
}

pub fn declared_name(block: &str) -> String {
    let code = declaration(block);
    let name = if let Some(rest) = code.strip_prefix("#define ") {
        rest.split([' ', '(']).next()
    } else if let Some((_, rest)) = code.split_once("(*") {
        rest.split(')').next()
    } else if code.starts_with("WS_API") {
        code.split('(').next().and_then(|head| head.rsplit([' ', '*', '\n']).next())
    } else {
        code.trim_end().trim_end_matches(';').rsplit([' ', '*']).next()
    };
    name.unwrap_or_default().to_owned()
}

/// A comment of one line takes one line, and a function's attribute none of its own.
fn compact(block: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut source = block.lines().peekable();
    let mut indent = 0;
    while let Some(line) = source.next() {
        if line == "WS_API"
            && let Some(next) = source.next()
        {
            lines.push(format!("WS_API {next}"));
            indent = "WS_API ".len();
            continue;
        }
        lines.push(format!("{:indent$}{line}", ""));
        // Three lines `/**`, ` * words`, ` */` become one.
        if line.trim() == "*/"
            && let [.., opening, words, _] = lines.as_slice()
            && opening.trim() == "/**"
        {
            let margin = opening.len() - opening.trim_start().len();
            let words = words.trim().trim_start_matches("* ");
            let short = format!("{:margin$}/** {words} */", "");
            if short.len() <= WIDTH {
                lines.truncate(lines.len() - 3);
                lines.push(short);
            }
        }
    }
    lines.join("\n") + "\n"
}

/// `#define WS_E_TIMEOUT (int32_t)2147954402u` as `((ws_result)0x80072EE2u)`.
fn with_number(block: &str, of: &str, signed: &HashMap<String, bool>) -> String {
    let (head, line) = block.trim_end().rsplit_once('\n').unwrap_or(("", block.trim_end()));
    let mut words = line.splitn(3, ' ');
    let (Some("#define"), Some(name), Some(value)) = (words.next(), words.next(), words.next())
    else {
        panic!("not a constant: {line}")
    };
    let digits = value.trim_start_matches("(int32_t)").trim_end_matches('u');
    let number: u64 = digits.parse().unwrap_or_else(|_| panic!("{name}: not a number: {value}"));
    let number = match (number, signed.get(of)) {
        (0x1_0000.., _) => format!("0x{number:08X}u"),
        (_, Some(true)) => format!("{number}"),
        _ => format!("{number}u"),
    };
    let of = match of {
        "u32" => "uint32_t",
        "u64" => "uint64_t",
        alias if signed.contains_key(alias) => alias,
        other => panic!("{name}: no C name for the type {other}"),
    };
    format!("{head}\n#define {name} (({of}){number})\n").trim_start_matches('\n').to_owned()
}

/// Compilers of every code page read the header.
fn plain_letters(text: &str) -> String {
    let text = text
        .replace("….", "...")
        .replace('…', "...")
        .replace(" §", " section ")
        .replace(['–', '−'], "-")
        .replace('’', "'")
        .replace('`', "")
        // cbindgen's word for isize when usize is size_t; nothing here is a difference.
        .replace("ptrdiff_t", "intptr_t");
    let strange: String = text.chars().filter(|letter| !letter.is_ascii()).collect();
    assert!(strange.is_empty(), "letters beyond ASCII in the header: {strange}");
    text
}
