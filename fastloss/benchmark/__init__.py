"""`fastloss bench`: speed and agreement against other libraries, on predictions of real models.

How a run goes, and which file does it:

1. ``data``     fits scikit-learn models on its bundled data and keeps their out-of-fold predictions;
2. ``cases``    turns the registry of losses into cases, and cases into the rows of a run (the *plan*); a ``case``
                knows its data, what is true of them and how it is called. ``arrays`` has those of embeddings, masks
                and samples;
3. ``oracle``   keeps the reference's results, in at least float64: what every engine has to agree with;
4. ``worker``   one process per engine: prepares a row, checks it against the oracle, times it when told to;
5. ``runner``   keeps the workers alive and lets them take turns, so that drift of the machine meets all of them;
6. ``report``, ``markdown``, ``plot``  say it.

``engines/`` holds one file per engine. A loss that the registry gains is benchmarked against its NumPy reference
without an edit here; one line in ``engines/formulas.py`` adds NumPy, numexpr, numba, jax and torch. One of several
arrays needs a line in ``engines/torch_engine.py`` to be compared with, and a form in ``arrays`` if it takes new ones.
"""
