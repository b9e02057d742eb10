//! The page.

use super::story::Story;
use crate::svg::escape;
use flambeau::Result;

/// One run's report.
pub fn page(story: &Story) -> Result<String> {
    let title = escape(&story.title);
    Ok(format!("<!doctype html>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<h1>{title}</h1>\n"))
}
