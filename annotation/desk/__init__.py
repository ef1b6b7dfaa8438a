"""The archivist's desk: a small web page for scans in, and for what became of them.

Holds: users and what each role may do, uploads that resume, the pages people see, and the
transcription over its picture. Starlette answers the requests, because it came with Dagster's own
pages already: small, well kept, server-rendered with Jinja2, nothing to build.

Keeps out: what happens to a scan once it lies in the inbox (``pipelines``, ``assets``), and
correcting drafts, which is Label Studio's. No page of it needs the internet.
"""
