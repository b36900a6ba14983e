//! What every comment of the header must have. It judges one block, a comment with the declaration
//! behind it, as it stands in include/anyws.h.

use super::generator::{declaration, declared_name};

const LAST_TAGS: [&str; 3] = ["@ownership", "@threads", "@since 0.1"];

/// Everything that is wrong with the comment of a function.
pub fn faults_of_function(block: &str) -> Vec<String> {
    let mut faults = faults_of_common(block);
    let tags = tags(block);
    let returns: Vec<_> = tags.iter().filter(|tag| tag.starts_with("@return ")).collect();
    if declaration(block).starts_with("WS_API ws_result ") {
        match returns.first() {
            None => faults.push("has no @return".to_owned()),
            Some(first) if !first.starts_with("@return WS_OK ") => {
                faults.push("does not begin its @return with WS_OK".to_owned());
            }
            Some(_) => {}
        }
    }
    faults
}

/// Everything that is wrong with the comment of a callback's type.
pub fn faults_of_callback(block: &str) -> Vec<String> {
    let mut faults = faults_of_common(block);
    let forbids = "Must not throw and must not longjmp.";
    if !tags(block).iter().any(|tag| tag.contains(forbids)) {
        faults.push("does not forbid to throw and to longjmp".to_owned());
    }
    faults
}

/// The codes that a text names and that do not exist. `WS_E_CERT_...` stands for all of that
/// beginning.
pub fn unknown_codes<'t>(text: &'t str, known: &[String]) -> Vec<&'t str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.match_indices("WS_E_")
        .map(|(at, _)| {
            let rest = &text[at..];
            rest.split_at(rest.find(|letter| !is_name(letter)).unwrap_or(rest.len()))
        })
        .filter(|(name, rest)| {
            let is_beginning = rest.starts_with("...") || rest.starts_with("(other)");
            !known
                .iter()
                .any(|code| if is_beginning { code.starts_with(name) } else { code == name })
        })
        .map(|(name, _)| name)
        .filter(|name| *name != "WS_E_")
        .collect()
}

fn faults_of_common(block: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !words(block).split("@").next().is_some_and(|text| text.trim_end().ends_with('.')) {
        faults.push("does not begin with a sentence".to_owned());
    }
    let documented: Vec<String> = tags(block)
        .iter()
        .filter_map(|tag| tag.strip_prefix("@param"))
        .filter_map(|tag| tag.split_whitespace().find(|word| !word.starts_with('[')))
        .map(str::to_owned)
        .collect();
    let declared = parameters(block);
    if documented != declared {
        faults.push(format!("documents {documented:?}, declares {declared:?}"));
    }
    let tags = tags(block);
    let last = tags.len().saturating_sub(LAST_TAGS.len());
    let ends_well = tags.len() >= LAST_TAGS.len()
        && tags[last..].iter().zip(LAST_TAGS).all(|(tag, wanted)| tag.starts_with(wanted));
    if !ends_well {
        faults.push(format!("does not end with {}", LAST_TAGS.join(", ")));
    }
    let order = ["@param", "@return", "@ownership", "@threads", "@since"];
    let ranks: Vec<_> = tags
        .iter()
        .map(|tag| order.iter().position(|known| tag.starts_with(known)).unwrap_or(order.len()))
        .collect();
    if !ranks.is_sorted() || ranks.contains(&order.len()) {
        faults.push("has unknown tags or has them in another order".to_owned());
    }
    faults
}

/// The names between a declaration's last parentheses.
fn parameters(block: &str) -> Vec<String> {
    let code = declaration(block);
    let inside = code.rsplit_once('(').map_or("", |(_, rest)| rest);
    let inside = inside.split(')').next().unwrap_or_default();
    inside
        .split(',')
        .filter_map(|parameter| parameter.rsplit([' ', '*']).next())
        .filter(|name| !name.is_empty() && *name != "void")
        .map(str::to_owned)
        .collect()
}

/// The comment without its decoration.
fn words(block: &str) -> String {
    let comment = block.strip_suffix(declaration(block)).unwrap_or_default();
    let comment = comment.trim().trim_start_matches("/**").trim_end_matches("*/");
    let lines = comment.lines().map(|line| line.trim_start().trim_start_matches('*').trim());
    lines.collect::<Vec<_>>().join("\n")
}

/// Each with all its lines.
fn tags(block: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in words(block).lines() {
        if line.starts_with('@') {
            found.push(line.to_owned());
        } else if let Some(tag) = found.last_mut() {
            tag.push(' ');
            tag.push_str(line);
        }
    }
    found
}

#[test]
fn a_whole_comment_has_no_fault_and_every_missing_part_is_one() {
    let whole = "/**\n * Does it.\n *\n * Later it is done.\n *\n * @param[in] socket  which.\n \
                 * @param[out] place  where,\n *     exactly.\n * @return WS_OK  done.\n \
                 * @return WS_E_HANDLE  no.\n * @ownership  Yours.\n * @threads  Any.\n \
                 * @since 0.1\n */\nWS_API ws_result ws_it(ws_socket *socket,\n     int **place);";
    assert_eq!(faults_of_function(whole), Vec::<String>::new());
    let lines: Vec<_> = whole.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if ["@param", "WS_OK", "@own", "@thr", "@since"].iter().any(|part| line.contains(part)) {
            let without = [&lines[..at], &lines[at + 1..]].concat().join("\n");
            assert!(!faults_of_function(&without).is_empty(), "nobody misses {line}");
        }
    }
    assert!(!faults_of_function(&whole.replace("Later it is done.", "Later it is")).is_empty());
    assert!(!faults_of_function(&whole.replace("[out] place", "[out] plaice")).is_empty());
    assert!(!faults_of_function(&whole.replace("@since 0.1", "@since 0.1\n * @see x")).is_empty());
    assert_eq!(declared_name(whole), "ws_it");
}

#[test]
fn codes_that_do_not_exist_are_found() {
    let known = ["WS_E_CLOSED".to_owned(), "WS_E_CERT_EXPIRED".to_owned()];
    let text = "WS_E_CLOSED, WS_E_CERT_..., WS_E_CLOSE, WS_E_SEC_...";
    assert_eq!(unknown_codes(text, &known), ["WS_E_CLOSE", "WS_E_SEC_"]);
}

#[test]
fn a_callback_documents_its_parameters_and_forbids_to_throw() {
    let whole = "/**\n * Told.\n *\n * @param socket  which.\n \
                 * @ownership  None.\n * @threads  Must not throw and must not longjmp.\n * \
                 @since 0.1\n */\n\
                 typedef void (*ws_told_fn)(ws_socket *socket);";
    assert_eq!(faults_of_callback(whole), Vec::<String>::new());
    assert!(!faults_of_callback(&whole.replace("longjmp", "leave")).is_empty());
    assert!(!faults_of_callback(&whole.replace("@param socket", "@param other")).is_empty());
}
