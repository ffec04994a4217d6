//! The nearest known name to a mistyped one.

/// The known name that takes the fewest edits to reach, when it is close enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = (name.chars().count() / 3).max(1);
    let distances = known.into_iter().map(|known| (distance(name, known), known));
    distances.filter(|(distance, _)| *distance <= reach).min().map(|(_, known)| known)
}

/// Insertions, removals and changes of one character that lead from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to) in to.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        let known = ["limit", "limits", "endpoints"];
        assert_eq!(nearest("limt", known), Some("limit"));
        assert_eq!(nearest("endpoint", known), Some("endpoints"));
        assert_eq!(nearest("window", known), None);
    }
}
