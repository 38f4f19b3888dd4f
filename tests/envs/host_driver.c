/* A CUDA driver whose device is the host: memory is the host's, and a launch calls back what runs the kernel there.
   As much of the interface as Numba uses. For tests of what is done around kernels, where there is no GPU. */
#include <stdlib.h>
#include <string.h>

typedef unsigned long long Pointer;
typedef void (*Launched)(const char *name, unsigned blocks, unsigned threads, void **parameters);

#define MOST 100000
static Launched launched = 0;
static void *context = 0, *the_context = (void *)0x1234;
static struct { Pointer start; size_t size; } held[MOST];
static int count = 0;
static char program[64] = "nothing";

long copies = 0, allocations = 0, launches = 0, waits = 0;
void call_back(Launched function) { launched = function; }

int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *version) { *version = 12040; return 0; }
int cuDeviceGetCount(int *number) { *number = 1; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, "host", length); return 0; }
int cuDeviceGetUuid(void *id, int device) { memset(id, 1, 16); return 0; }
int cuDeviceGetAttribute(int *value, int name, int device) {
    *value = name == 75 ? 8 : name == 76 ? 0 : name == 1 ? 1024 : 1; /* compute capability 8.0, threads of a block */
    return 0;
}
int cuDevicePrimaryCtxRetain(void **found, int device) { *found = the_context; return 0; }
int cuDevicePrimaryCtxRelease(int device) { return 0; }
int cuCtxPushCurrent(void *given) { context = given; return 0; }
int cuCtxPopCurrent(void **found) { *found = context; context = 0; return 0; }
int cuCtxGetCurrent(void **found) { *found = context; return 0; }
int cuCtxGetDevice(int *device) { *device = 0; return 0; }
int cuCtxSynchronize(void) { waits++; return 0; }

int cuMemGetInfo(size_t *left, size_t *all) { *left = *all = (size_t)8 << 30; return 0; }
int cuMemAlloc(Pointer *start, size_t size) {
    if (size == 0 || count == MOST) return 1; /* as on a GPU, nothing cannot be allocated */
    allocations++;
    *start = held[count].start = (Pointer)malloc(size);
    held[count++].size = size;
    memset((void *)*start, 0xA5, size);
    return 0;
}
int cuMemFree(Pointer start) {
    for (int i = 0; i < count; i++)
        if (held[i].start == start) { held[i] = held[--count]; free((void *)start); return 0; }
    return 1;
}
int cuMemGetAddressRange(Pointer *start, size_t *size, Pointer inside) {
    for (int i = 0; i < count; i++)
        if (held[i].start <= inside && inside < held[i].start + held[i].size) {
            *start = held[i].start;
            *size = held[i].size;
            return 0;
        }
    return 1;
}
int cuPointerGetAttribute(void *value, int name, Pointer pointer) {
    if (name == 1) *(void **)value = the_context; else *(Pointer *)value = pointer;
    return 0;
}
int cuMemcpyHtoD(Pointer to, const void *from, size_t size) { copies++; memcpy((void *)to, from, size); return 0; }
int cuMemcpyDtoH(void *to, Pointer from, size_t size) { copies++; memcpy(to, (void *)from, size); return 0; }
int cuMemcpyDtoD(Pointer to, Pointer from, size_t size) { memcpy((void *)to, (void *)from, size); return 0; }
int cuIpcOpenMemHandle(void *handle) { return 1; }

int cuLinkCreate(unsigned n, void *options, void *values, void **state) { *state = malloc(8); return 0; }
int cuLinkAddData(void *state, int type, void *data, size_t size, const char *name, unsigned n, void *o, void *v) {
    return 0;
}
int cuLinkComplete(void *state, void **binary, size_t *size) { *binary = program; *size = sizeof program; return 0; }
int cuLinkDestroy(void *state) { free(state); return 0; }
int cuModuleLoadDataEx(void **module, const void *image, unsigned n, void *options, void *values) {
    *module = malloc(8);
    return 0;
}
int cuModuleUnload(void *module) { free(module); return 0; }
int cuModuleGetFunction(void **function, void *module, const char *name) { *function = strdup(name); return 0; }
int cuFuncGetAttribute(int *value, int name, void *function) { *value = 0; return 0; }
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra) {
    launches++;
    if (launched) launched((const char *)function, gx, bx, parameters);
    return 0;
}
int cuGetErrorName(int error, const char **name) { *name = "ERROR"; return 0; }
