"""Self-contained HTML reports: page, tables and charts as inline SVG. Standard library only; writes no files."""
