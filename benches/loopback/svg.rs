//! Pictures that stand in a README: no fonts from elsewhere, legible on light and dark ground, with
//! texts for those who do not see them. Knows nothing of what is drawn.

use std::fmt::{Display, Write};

/// Whose colour follows the reader's; `anyws`, `peer` and the numbered lines have their own.
const STYLE: &str = "\
text{font:12px sans-serif;fill:#1f2328}\
.head{font-weight:bold}.small{font-size:11px}.faint{fill:#59636e}\
.grid{stroke:#d1d9e0}.base{stroke:#59636e}\
.anyws{fill:#0969da}.peer{fill:#afb8c1}\
.line{fill:none;stroke-width:2}\
.c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.c3{stroke:#8250df}.c4{stroke:#bf3989}.c5{stroke:#59636e}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.faint{fill:#9198a1}\
.grid{stroke:#3d444d}.base{stroke:#9198a1}.anyws{fill:#4493f8}.peer{fill:#656c76}\
.c0{stroke:#4493f8}.c1{stroke:#f0883e}.c2{stroke:#3fb950}.c3{stroke:#ab7df8}.c4{stroke:#db61a2}.c5{stroke:#9198a1}}";

pub struct Svg {
    body: String,
}

/// Where a text stands to its point.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub fn new() -> Svg {
        Svg { body: String::new() }
    }

    pub fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{class}">{}</text>"#,
            escaped(text)
        );
    }

    /// A bar, and what it says.
    pub fn bar(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], class: &str, title: &str) {
        let _ = writeln!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" class="{class}"><title>{}</title></rect>"#,
            escaped(title)
        );
    }

    pub fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], class: &str) {
        let _ = writeln!(
            self.body,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}"/>"#
        );
    }

    /// A line through points, and what it is.
    pub fn path(&mut self, points: &[[f64; 2]], class: &str, title: &str) {
        let points = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect::<Vec<_>>();
        let _ = writeln!(
            self.body,
            r#"<polyline points="{}" class="{class}"><title>{}</title></polyline>"#,
            points.join(" "),
            escaped(title)
        );
    }

    pub fn finish(self, width: f64, height: f64, title: &str, description: &str) -> String {
        let (title, description) = (escaped(title), escaped(description));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" role="img" aria-labelledby="title description">
<title id="title">{title}</title>
<desc id="description">{description}</desc>
<style>{STYLE}</style>
{}</svg>
"#,
            self.body
        )
    }
}

fn escaped(text: impl Display) -> String {
    text.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
