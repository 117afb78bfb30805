/* Answers a program's CPUID instructions as a processor with AVX2 and nothing newer would.
 *
 * runtime.py overwrites the instructions (0F A2) with a breakpoint and a NOP (CC 90); the breakpoint's signal arrives
 * here, where the processor is asked, and what came after AVX2 is taken out of its answer. The bits are those of
 * CPUID's leaf 7 in Intel's Software Developer's Manual, volume 2A.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <ucontext.h>

#define BIT(n) (1u << (n))

/* AVX512F, DQ, IFMA, PF, ER, CD, BW, VL. */
static const unsigned EBX = BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
/* AVX512-VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ. */
static const unsigned ECX = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14);
/* AVX512-4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8. */
static const unsigned EDX = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25);
/* Of subleaf 1: AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA in EAX; AVX-VNNI-INT8, AVX-NE-CONVERT, AVX-VNNI-INT16 in EDX. */
static const unsigned EAX_1 = BIT(4) | BIT(5) | BIT(21) | BIT(23);
static const unsigned EDX_1 = BIT(4) | BIT(5) | BIT(10);

static void answer(int signal, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  unsigned leaf = registers[REG_RAX], subleaf = registers[REG_RCX], eax, ebx, ecx, edx;
  (void)signal, (void)info;
  __cpuid_count(leaf, subleaf, eax, ebx, ecx, edx);
  if (leaf == 7 && subleaf == 0) {
    ebx &= ~EBX;
    ecx &= ~ECX;
    edx &= ~EDX;
  } else if (leaf == 7 && subleaf == 1) {
    eax &= ~EAX_1;
    edx &= ~EDX_1;
  }
  registers[REG_RAX] = eax;
  registers[REG_RBX] = ebx;
  registers[REG_RCX] = ecx;
  registers[REG_RDX] = edx;
}

__attribute__((constructor)) static void install(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  sigaction(SIGTRAP, &action, 0);
}
