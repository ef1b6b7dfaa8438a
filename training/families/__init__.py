"""Model families side by side; a family never imports another."""
