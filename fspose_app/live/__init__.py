"""Live: a camera or stream followed as it comes, and a page that shows it."""
