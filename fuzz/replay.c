/*
 * replay: feeds every file of the folders given to a fuzz target, so that its seeds run as ordinary
 * tests with any compiler. Never invents an input; a folder without files is a failure.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

/*
 * The bytes are copied to a piece of their exact size: a read past the end is then seen by the
 * sanitizer.
 */
static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *whole, *data;
	size_t n;

	if (!f) {
		perror(path);
		return -1;
	}
	whole = malloc(INPUT_MAX);
	n = whole ? fread(whole, 1, INPUT_MAX, f) : 0;
	fclose(f);
	data = malloc(n ? n : 1);
	if (!whole || !data)
		abort();
	memcpy(data, whole, n);
	free(whole);
	printf("%s: %zu bytes\n", path, n);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

static int
replay_folder(const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort), files = 0;

	if (n < 0) {
		perror(folder);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];
		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
			files += replay_file(path) == 0;
		}
		free(names[i]);
	}
	free(names);
	return files;
}

int
main(int argc, char **argv)
{
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (replay_folder(argv[i]) <= 0) {
			fprintf(stderr, "replay: nothing in %s\n", argv[i]);
			return 1;
		}
	}
	return argc < 2;
}
