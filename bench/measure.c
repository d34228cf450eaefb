/* Runs a command and says what it cost: measure REPORT COMMAND [ARGUMENT]...
 *
 * A process that Python starts begins with Python's own peak memory in its books; one that this starts does not.
 * REPORT gets one line: exit code, wall ns, user us, system us, peak RSS KiB, all of it with the command's children. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long micros(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

int main(int count, char **arguments) {
    if (count < 3) return 125;
    long long start = now();
    pid_t child = fork();
    if (child < 0) return 125;
    if (child == 0) {
        execvp(arguments[2], arguments + 2);
        perror(arguments[2]);
        _exit(127);
    }
    int status;
    struct rusage used;
    if (wait4(child, &status, 0, &used) != child) return 125;
    long long wall = now() - start;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *report = fopen(arguments[1], "w");
    if (!report) return 125;
    fprintf(report, "%d %lld %lld %lld %ld\n", code, wall, micros(used.ru_utime), micros(used.ru_stime), used.ru_maxrss);
    return fclose(report) == 0 ? 0 : 125;
}
