"""Reading order: which boxes stand in one column, and which column is read after which.

``params`` holds the numbers, ``places`` the boxes as arrays, ``chains`` links each box to the
next below, ``clusters`` joins chains to columns, ``notes`` reads double-row notes 雙行夾注 and
glosses, ``bands`` and ``tiers`` part tables and spreads, ``doubt`` says how sure each step is,
``released`` is the published 50 px rule, and ``reading`` puts them together as
``order_columns``.

Boxes only: nothing here looks at a picture, and nothing depends on the unit of the boxes.
"""
