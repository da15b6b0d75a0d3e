//! How many objects of a list are asked for at a time.

use super::resource;

/// Objects per page, and more where a list takes longer than the server remembers its beginning: the first entry is for
/// the first two tries, the next for the third, and so on. A page of usual pods, of 4 to 10 KB each, has at most 15 MB.
const USUAL: [u32; 4] = [resource::PAGE_SIZE, resource::PAGE_SIZE, 1000, 1500];

/// What a page that was too large is divided by.
const DIVISOR: u32 = 8;

/// What a page is multiplied by, where so large a one fits twice.
const FACTOR: u32 = 4;

/// The size of the next page. Kubernetes takes another one at any continue token, which says only where to go on.
#[derive(Default)]
pub(super) struct PageSize {
    /// How often in a row a list has expired before it was complete.
    expired: usize,
    /// Smaller than usual, because larger ones were too large.
    smaller: Option<u32>,
}

impl PageSize {
    /// How many objects to ask for.
    pub(super) fn objects(&self) -> u32 {
        let usual = self.usual();
        self.smaller.map_or(usual, |smaller| smaller.min(usual))
    }

    fn usual(&self) -> u32 {
        USUAL.get(self.expired).or(USUAL.last()).copied().unwrap_or(resource::PAGE_SIZE)
    }

    /// After a list that was complete.
    pub(super) fn complete(&mut self) {
        self.expired = 0;
    }

    /// After a list that expired before it was complete.
    pub(super) fn expired(&mut self) {
        self.expired += 1;
    }

    /// After a page that was too large: whether a smaller one can be asked for.
    pub(super) fn too_large(&mut self) -> bool {
        let objects = self.objects();
        self.smaller = Some((objects / DIVISOR).max(1));
        objects > 1
    }

    /// After a page of so many bytes, of those that there may be.
    pub(super) fn fitted(&mut self, bytes: usize, limit_bytes: usize) {
        let Some(smaller) = self.smaller else { return };
        let larger = smaller.saturating_mul(FACTOR);
        let would_fit = bytes.saturating_mul(2 * FACTOR as usize) <= limit_bytes;
        if would_fit {
            self.smaller = Some(larger).filter(|larger| *larger < self.usual());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT_BYTES: usize = 32 << 20;

    #[test]
    fn lists_that_expire_are_tried_with_larger_pages() {
        let mut size = PageSize::default();
        let sizes: Vec<u32> = (0..6)
            .map(|_| {
                let objects = size.objects();
                size.expired();
                objects
            })
            .collect();
        assert_eq!(sizes, [500, 500, 1000, 1500, 1500, 1500]);
        size.complete();
        assert_eq!(size.objects(), 500);
    }

    #[test]
    fn a_page_that_is_too_large_is_asked_for_in_smaller_ones_down_to_one_object() {
        let mut size = PageSize::default();
        for smaller in [62, 7, 1] {
            assert!(size.too_large());
            assert_eq!(size.objects(), smaller);
        }
        assert!(!size.too_large() && size.objects() == 1);
        size.expired();
        size.expired();
        assert_eq!(size.objects(), 1, "larger pages are no help");
    }

    #[test]
    fn pages_grow_again_where_that_would_fit() {
        let mut size = PageSize::default();
        assert!(size.too_large());
        size.fitted(LIMIT_BYTES / 8 + 1, LIMIT_BYTES);
        assert_eq!(size.objects(), 62, "four times as much may be too large");
        size.fitted(LIMIT_BYTES / 8, LIMIT_BYTES);
        assert_eq!(size.objects(), 248);
        size.fitted(0, LIMIT_BYTES);
        assert_eq!(size.objects(), 500);
        size.expired();
        size.expired();
        assert_eq!(size.objects(), 1000, "as large as usual again");
    }
}
