"""All knowledge of the kinds, one module each: words, keys, reads, inverses, side effects, edges.

Every kind here is rows of an sObject found by a natural key, so they share the machinery in
`rows`; a module holds what is particular. A kind over another API (Tooling, Metadata) keeps the
same promises (`model.promises.Kind`) with a machinery of its own. Nothing here knows how a plan is
ordered or kept.
"""
