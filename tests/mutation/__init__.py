"""Mutation score of the deciding core: one small change at a time, and a test that must notice it."""
