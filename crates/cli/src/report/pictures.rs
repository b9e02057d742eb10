//! Figures made of pictures: mistakes, filters, feature maps.

use super::classes::name;
use super::html::{self, text};
use super::picture::Picture;
use super::story::Story;
use flambeau::Result;

/// The images that the network was surest of and wrong about.
pub fn mistakes(story: &Story) -> Result<String> {
    if story.mistakes.is_empty() {
        return Ok(String::new());
    }
    let mut list = "<ul class=\"pictures\">\n".to_owned();
    for mistake in &story.mistakes {
        let (label, answer) = (name(story, mistake.label), name(story, mistake.answer));
        let source =
            mistake.source.as_deref().map(|source| format!("<br/><span class=\"quiet\">{}</span>", text(source)));
        list += &format!(
            "<li>{}<b>{}</b> {}<br/>is {}{}</li>\n",
            image(&mistake.picture, &format!("{label}, taken for {answer}"), None)?,
            text(&answer),
            html::percent(mistake.probability),
            text(&label),
            source.unwrap_or_default(),
        );
    }
    let caption = "Images that the network is surest of and wrong about: its answer with the probability that it gives \
                   to it, and what the image is. Some of them may be labelled wrong.";
    Ok(html::figure("Worst mistakes", caption, &(list + "</ul>\n")))
}

/// What the first convolution looks for.
pub fn filters(story: &Story) -> Result<String> {
    if story.filters.is_empty() {
        return Ok(String::new());
    }
    let caption = "Each square is one filter's weights: where it is bright it wants light, where it is dark it wants \
                   none; middle grey is zero. Edges, blobs and colours are what trained networks look for first; noise \
                   means that there is more to learn.";
    Ok(html::figure("Filters of the first convolution", caption, &sheet(&story.filters, "filter", 40)?))
}

/// What layers make of one image.
pub fn features(story: &Story) -> Result<String> {
    let Some(features) = &story.features else { return Ok(String::new()) };
    let caption = format!(
        "What layers make of one image ({}): each square is one channel, bright where the layer gives much. Channels \
         that are one grey everywhere tell nothing about this image.",
        features.caption
    );
    let mut html = format!("<div class=\"sheet\">{}</div>\n", image(&features.picture, &features.caption, Some(112))?);
    for (name, channels) in &features.layers {
        let size = channels.first().map_or([0, 0], Picture::size);
        html += &format!("<h3>{}</h3><p class=\"quiet\">{} x {} pixels each</p>\n", text(name), size[1], size[0]);
        html += &sheet(channels, name, 64)?;
    }
    Ok(html::figure("Feature maps", &caption, &html))
}

/// Pictures side by side, each so many pixels wide.
fn sheet(pictures: &[Picture], what: &str, width: u32) -> Result<String> {
    let mut html = "<div class=\"sheet\">\n".to_owned();
    for (number, picture) in pictures.iter().enumerate() {
        html += &image(picture, &format!("{what} {number}"), Some(width))?;
    }
    Ok(html + "</div>\n")
}

/// An image with its pixels in the page.
fn image(picture: &Picture, description: &str, width: Option<u32>) -> Result<String> {
    let [own_width, own_height] = picture.size();
    // A photograph that is made smaller looks better smooth, a few pixels made larger as squares.
    let class = if own_width > width.unwrap_or(160) { r#" class="smooth""# } else { "" };
    let size = width.map(|width| {
        let height = (f64::from(width) * f64::from(own_height) / f64::from(own_width.max(1))).round();
        format!(r#" width="{width}" height="{height}""#)
    });
    let (source, description, size) = (picture.data_url()?, text(description), size.unwrap_or_default());
    Ok(format!(r#"<img src="{source}" alt="{description}" title="{description}"{size}{class}/>"#))
}
