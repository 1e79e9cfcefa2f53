//! Bars, drawn in SVG: how fast each is, held against its driver alone.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
/// Where bars begin, and where the longest ends.
const LEFT: f64 = 210.0;
const RIGHT: f64 = 640.0;
const BAR: f64 = 15.0;
const GAP: f64 = 4.0;
const BETWEEN: f64 = 14.0;
const TOP: f64 = 58.0;
/// A bar that would be longer is cut there, and its number tells.
const MOST: f64 = 8.0;

/// Bars that belong together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<Bar>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    /// One is the driver alone.
    pub(crate) ratio: f64,
    pub(crate) is_ours: bool,
}

/// The picture, with a line where one is; readable on light and on dark ground.
pub(crate) fn draw(title: &str, about: &str, groups: &[Group]) -> String {
    let bars: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = TOP + units(bars) * (BAR + GAP) + units(groups.len()) * BETWEEN + 12.0;
    let longest =
        groups.iter().flat_map(|group| &group.bars).map(|bar| bar.ratio.min(MOST)).fold(1.2, f64::max);
    let scale = (RIGHT - LEFT) / longest;
    let mut drawn = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"t d\">\n\
         <title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n{STYLE}\n\
         <rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n\
         <text class=\"b\" x=\"20\" y=\"28\">{}</text>\n<text class=\"s\" x=\"20\" y=\"46\">{}</text>\n",
        escaped(title),
        escaped(about),
        WIDTH - 1.0,
        height - 1.0,
        escaped(title),
        escaped(about)
    );
    let mut y = TOP;
    for group in groups {
        y += BETWEEN / 2.0;
        for (number, bar) in group.bars.iter().enumerate() {
            let (middle, length) = (y + BAR - 3.5, bar.ratio.min(MOST) * scale);
            if number == 0 {
                push(
                    &mut drawn,
                    format_args!(
                        "<text class=\"b s\" x=\"20\" y=\"{middle:.1}\">{}</text>",
                        escaped(&group.name)
                    ),
                );
            }
            let class = if bar.is_ours { "ours" } else { "other" };
            push(
                &mut drawn,
                format_args!(
                    "<text class=\"s\" x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{}</text>",
                    LEFT - 6.0,
                    escaped(&bar.name)
                ),
            );
            push(
                &mut drawn,
                format_args!(
                    "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>"
                ),
            );
            push(
                &mut drawn,
                format_args!(
                    "<text class=\"s\" x=\"{:.1}\" y=\"{middle:.1}\">{:.2}</text>",
                    LEFT + length + 6.0,
                    bar.ratio
                ),
            );
            y += BAR + GAP;
        }
        y += BETWEEN / 2.0;
    }
    let one = LEFT + scale;
    push(&mut drawn, format_args!("<path class=\"line\" d=\"M{one:.1} {TOP}V{:.1}\"/>", height - 8.0));
    drawn + "</svg>\n"
}

/// The colours of the other pictures.
const STYLE: &str = "<style>
.card{fill:#fbfaf6;stroke:#d8d3c6}
text{font:15px system-ui,\"Segoe UI\",\"DejaVu Sans\",sans-serif;fill:#26231d}
.s{font-size:12px;fill:#5d574b}.b{font-weight:600;fill:#26231d}
.ours{fill:#1c6b3a}.other{fill:#b9b2a1}
.line{stroke:#8a8272;stroke-width:1;stroke-dasharray:3 3;fill:none}
@media (prefers-color-scheme:dark){
.card{fill:#20242c;stroke:#3b4250}text{fill:#e6e3da}.s{fill:#aab0bb}.b{fill:#e6e3da}
.ours{fill:#7fd69b}.other{fill:#5a6372}.line{stroke:#8b93a1}}
</style>";

fn push(drawn: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _ = writeln!(drawn, "{line}");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[expect(clippy::cast_precision_loss, reason = "bars are few")]
fn units(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, ratio: f64) -> Group {
        Group {
            name: name.to_owned(),
            bars: vec![Bar { name: "cloakroom".to_owned(), ratio, is_ours: true }],
        }
    }

    #[test]
    fn no_name_ends_the_picture_early() {
        let drawn = draw("a < b & c", "\"d\"", &[group("</svg><script>", 1.0)]);
        assert_eq!(drawn.matches("</svg>").count(), 1, "{drawn}");
        assert!(
            !drawn.contains("<script")
                && drawn.contains("a &lt; b &amp; c")
                && drawn.contains("&quot;d&quot;")
        );
    }

    #[test]
    fn the_longest_bar_ends_within_the_picture_however_fast_somebody_is() {
        let drawn = draw("t", "a", &[group("a", 1.0), group("b", 90.0)]);
        let widths =
            drawn.split("width=\"").skip(2).filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok());
        assert!(widths.fold(0.0, f64::max) <= RIGHT - LEFT, "{drawn}");
        assert!(drawn.contains("90.00"), "its number is told");
    }

    #[test]
    fn a_bar_twice_as_fast_is_twice_as_long() {
        let drawn = draw("t", "a", &[group("a", 2.0), group("b", 1.0)]);
        let widths: Vec<f64> =
            drawn.split("width=\"").skip(2).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect();
        assert!((widths[0] / widths[1] - 2.0).abs() < 0.01, "{widths:?}");
    }
}
