/*
 * folder: a temporary folder for one test.
 */
#ifndef FLARE_TEST_HARNESS_FOLDER_H
#define FLARE_TEST_HARNESS_FOLDER_H

/* A fresh folder below TMPDIR or /tmp; free the name. */
char *folder_make(void);

/* One of the given name; it may be there already. */
void folder_make_at(const char *path);

/* Remove it with all it holds. */
void folder_remove(const char *path);

/* Write text to a file, replacing it.  Fails the test when it cannot. */
void folder_put(const char *path, const char *text);

#endif
