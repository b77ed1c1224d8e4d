;; The loop that inflates a block of deflate: what its codes stand for is written out. Source: RFC 1951, section 3.2.
;; scripts/write-wasm.ts makes inflate-code.ts of this file; what the tables' entries say is in deflate-entry.ts.
;;
;; Up to three entries of literals are taken for each time that bits are fetched: 33 of the 56 bits at least that are
;; there then. A length and a distance with their extra bits take 48 at most.
(module
  ;; The tables are at byte 0: 2048 entries for literals and lengths, as many for distances, then those of longer codes.
  (memory (export "memory") 14)
  ;; Where it stopped: the byte and the bit of the input that come next, the byte of the output.
  (global $at (export "at") (mut i32) (i32.const 0))
  (global $bit (export "bit") (mut i32) (i32.const 0))
  (global $out (export "out") (mut i32) (i32.const 0))

  ;; Begins at bit $b of byte $p of the input; stops when $p comes behind $last, from where on 16 bytes can still be read,
  ;; or $o behind $full, from where on 280 bytes can still be written. Nothing before byte $begin is referred to.
  ;; Gives 0 at $last, 1 at $full, 2 after the block's end, 3 when what comes is no code or refers to nothing.
  (func (export "inflate")
    (param $p i32) (param $b i32) (param $last i32) (param $o i32) (param $full i32) (param $begin i32)
    (result i32)
    ;; The next bits of the input, $n of which count; the bits above those are the input's as well, or 0.
    (local $word i64) (local $n i32)
    (local $e i32) (local $from i32) (local $end i32) (local $distance i32) (local $why i32)
    (local $before i64) (local $bytes v128)
    (local.set $word (i64.shr_u (i64.load8_u (local.get $p)) (i64.extend_i32_u (local.get $b))))
    (local.set $n (i32.sub (i32.const 8) (local.get $b)))
    (local.set $p (i32.add (local.get $p) (i32.const 1)))
    (block $stop
      (loop $next
        (if (i32.gt_u (local.get $p) (local.get $last)) (then (br $stop)))
        (if (i32.gt_u (local.get $o) (local.get $full)) (then (local.set $why (i32.const 1)) (br $stop)))
        ;; fetch
        (local.set $word (i64.or (local.get $word)
          (i64.shl (i64.load align=1 (local.get $p)) (i64.extend_i32_u (local.get $n)))))
        (local.set $p (i32.add (local.get $p) (i32.shr_u (i32.sub (i32.const 63) (local.get $n)) (i32.const 3))))
        (local.set $n (i32.or (local.get $n) (i32.const 56)))
        (local.set $e (i32.load (i32.shl (i32.and (i32.wrap_i64 (local.get $word)) (i32.const 0x7ff)) (i32.const 2))))
        (block $match
          (br_if $match (i32.and (local.get $e) (i32.const 0x80000080)))
          (block $refill
            ;; literals
            (i32.store align=1 (local.get $o) (i32.shr_u (local.get $e) (i32.const 8)))
            (local.set $o (i32.add (local.get $o) (i32.shr_u (local.get $e) (i32.const 24))))
            (local.set $word (i64.shr_u (local.get $word) (i64.extend_i32_u (local.get $e))))
            (local.set $n (i32.sub (local.get $n) (i32.and (local.get $e) (i32.const 63))))
            (local.set $e
              (i32.load (i32.shl (i32.and (i32.wrap_i64 (local.get $word)) (i32.const 0x7ff)) (i32.const 2))))
            (br_if $refill (i32.and (local.get $e) (i32.const 0x80000080)))
            ;; literals
            (i32.store align=1 (local.get $o) (i32.shr_u (local.get $e) (i32.const 8)))
            (local.set $o (i32.add (local.get $o) (i32.shr_u (local.get $e) (i32.const 24))))
            (local.set $word (i64.shr_u (local.get $word) (i64.extend_i32_u (local.get $e))))
            (local.set $n (i32.sub (local.get $n) (i32.and (local.get $e) (i32.const 63))))
            (local.set $e
              (i32.load (i32.shl (i32.and (i32.wrap_i64 (local.get $word)) (i32.const 0x7ff)) (i32.const 2))))
            (br_if $refill (i32.and (local.get $e) (i32.const 0x80000080)))
            ;; literals
            (i32.store align=1 (local.get $o) (i32.shr_u (local.get $e) (i32.const 8)))
            (local.set $o (i32.add (local.get $o) (i32.shr_u (local.get $e) (i32.const 24))))
            (local.set $word (i64.shr_u (local.get $word) (i64.extend_i32_u (local.get $e))))
            (local.set $n (i32.sub (local.get $n) (i32.and (local.get $e) (i32.const 63))))
            (br $next))
          ;; fetch
          (local.set $word (i64.or (local.get $word)
            (i64.shl (i64.load align=1 (local.get $p)) (i64.extend_i32_u (local.get $n)))))
          (local.set $p (i32.add (local.get $p) (i32.shr_u (i32.sub (i32.const 63) (local.get $n)) (i32.const 3))))
          (local.set $n (i32.or (local.get $n) (i32.const 56))))
        (if (i32.lt_s (local.get $e) (i32.const 0))
          (then
            (if (i32.eqz (i32.and (local.get $e) (i32.const 0x40000000)))
              (then (local.set $e (call $longer (local.get $e) (local.get $word)))))
            (if (i32.lt_s (local.get $e) (i32.const 0))
              (then
                (local.set $why (i32.add (i32.const 2) (i32.and (i32.shr_u (local.get $e) (i32.const 29)) (i32.const 1))))
                (local.set $n (i32.sub (local.get $n) (i32.and (local.get $e) (i32.const 63))))
                (br $stop)))
            (if (i32.eqz (i32.and (local.get $e) (i32.const 0x80)))
              (then
                (i32.store8 (local.get $o) (i32.shr_u (local.get $e) (i32.const 8)))
                (local.set $o (i32.add (local.get $o) (i32.const 1)))
                (local.set $word (i64.shr_u (local.get $word) (i64.extend_i32_u (local.get $e))))
                (local.set $n (i32.sub (local.get $n) (i32.and (local.get $e) (i32.const 63))))
                (br $next)))))
        ;; a length
        (local.set $before (local.get $word))
        (local.set $word (i64.shr_u (local.get $word) (i64.extend_i32_u (local.get $e))))
        (local.set $n (i32.sub (local.get $n) (i32.and (local.get $e) (i32.const 63))))
        (local.set $end (i32.add (local.get $o) (call $value (local.get $e) (local.get $before))))
        ;; a distance
        (local.set $e
          (i32.load offset=0x2000 (i32.shl (i32.and (i32.wrap_i64 (local.get $word)) (i32.const 0x7ff)) (i32.const 2))))
        (if (i32.lt_s (local.get $e) (i32.const 0))
          (then
            (if (i32.eqz (i32.and (local.get $e) (i32.const 0x40000000)))
              (then (local.set $e (call $longer (local.get $e) (local.get $word)))))
            (if (i32.lt_s (local.get $e) (i32.const 0)) (then (local.set $why (i32.const 3)) (br $stop)))))
        (local.set $before (local.get $word))
        (local.set $word (i64.shr_u (local.get $word) (i64.extend_i32_u (local.get $e))))
        (local.set $n (i32.sub (local.get $n) (i32.and (local.get $e) (i32.const 63))))
        (local.set $distance (call $value (local.get $e) (local.get $before)))
        (if (i32.gt_u (local.get $distance) (i32.sub (local.get $o) (local.get $begin)))
          (then (local.set $why (i32.const 3)) (br $stop)))
        (local.set $from (i32.sub (local.get $o) (local.get $distance)))
        ;; Copies write up to 15 bytes more than they are to: what comes later is written over these.
        (if (i32.ge_u (local.get $distance) (i32.const 16))
          (then
            (loop $copy
              (v128.store align=1 (local.get $o) (v128.load align=1 (local.get $from)))
              (local.set $from (i32.add (local.get $from) (i32.const 16)))
              (br_if $copy (i32.lt_u (local.tee $o (i32.add (local.get $o) (i32.const 16))) (local.get $end)))))
          (else
            (if (i32.eq (local.get $distance) (i32.const 1))
              (then
                (local.set $bytes (i8x16.splat (i32.load8_u (local.get $from))))
                (loop $fill
                  (v128.store align=1 (local.get $o) (local.get $bytes))
                  (br_if $fill (i32.lt_u (local.tee $o (i32.add (local.get $o) (i32.const 16))) (local.get $end)))))
              (else
                (if (i32.ge_u (local.get $distance) (i32.const 8))
                  (then
                    (loop $copy8
                      (i64.store align=1 (local.get $o) (i64.load align=1 (local.get $from)))
                      (local.set $from (i32.add (local.get $from) (i32.const 8)))
                      (br_if $copy8 (i32.lt_u (local.tee $o (i32.add (local.get $o) (i32.const 8))) (local.get $end)))))
                  (else
                    (loop $copy1
                      (i32.store8 (local.get $o) (i32.load8_u (local.get $from)))
                      (local.set $from (i32.add (local.get $from) (i32.const 1)))
                      (br_if $copy1
                        (i32.lt_u (local.tee $o (i32.add (local.get $o) (i32.const 1))) (local.get $end))))))))))
        (local.set $o (local.get $end))
        (br $next)))
    (global.set $out (local.get $o))
    (global.set $at (i32.sub (local.get $p) (i32.shr_u (i32.add (local.get $n) (i32.const 7)) (i32.const 3))))
    (global.set $bit (i32.and (i32.sub (i32.const 0) (local.get $n)) (i32.const 7)))
    (local.get $why))

  ;; What a code longer than the index stands for.
  (func $longer (param $e i32) (param $word i64) (result i32)
    (i32.load (i32.shl
      (i32.add
        (i32.and (local.get $e) (i32.const 0x1fffffff))
        (i32.and (i32.wrap_i64 (i64.shr_u (local.get $word) (i64.const 11))) (i32.const 15)))
      (i32.const 2))))

  ;; A length or distance: its least value, and the extra bits behind its code.
  (func $value (param $e i32) (param $word i64) (result i32)
    (i32.add
      (i32.shr_u (local.get $e) (i32.const 16))
      (i32.wrap_i64 (i64.shr_u
        (i64.and
          (local.get $word)
          (i64.sub (i64.shl (i64.const 1) (i64.extend_i32_u (local.get $e))) (i64.const 1)))
        (i64.extend_i32_u (i32.shr_u (local.get $e) (i32.const 8))))))))
