//! Container images that are named without their hash.

use super::super::super::finding::Finding;
use super::super::super::rules::id;
use super::super::expression::{self, Expression, Literal};
use super::super::model::Job;

/// True for an image that is named by its hash, and for no image.
pub(in super::super) fn is_pinned(image: &str) -> bool {
    image.trim().is_empty() || image.contains("@sha256:")
}

pub(super) fn check(job: &Job, found: &mut Vec<Finding>) {
    for place in &job.images {
        let mut open: Vec<String> = Vec::new();
        match expression::whole(&place.text) {
            None if is_pinned(&place.text) => {}
            None => open.push(place.text.trim().to_owned()),
            Some(inside) => match expression::parse(inside) {
                Some(read) => values(job, &read, &mut open),
                None => open.push(inside.trim().to_owned()),
            },
        }
        open.dedup();
        if !open.is_empty() {
            let message = format!("job {}: {}", job.id, open.join(", "));
            found.push(Finding::new(id::CI_UNPINNED_IMAGE, place.line, 0, message));
        }
    }
}

/// Names that an expression can yield and that are not pinned.
fn values(job: &Job, read: &Expression, open: &mut Vec<String>) {
    let mut leaves = Vec::new();
    read.leaves(&mut leaves);
    for leaf in leaves {
        match leaf {
            Expression::Literal(Literal::Text(image)) if !is_pinned(image) => open.push(image.clone()),
            Expression::Literal(_) => {}
            Expression::Context(parts) => {
                let path = expression::path(parts);
                match path.strip_prefix("matrix.") {
                    None => open.push(path),
                    Some(name) => {
                        let (images, more) = job.matrix.of(name);
                        open.extend(
                            images.into_iter().filter(|image| !is_pinned(&image.text)).map(|image| image.text.clone()),
                        );
                        if more {
                            open.push(path);
                        }
                    }
                }
            }
            _ => open.push("an expression".to_owned()),
        }
    }
}
