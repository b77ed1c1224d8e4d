/** The folder, in that of the package's files, of what was compiled for this Node when the package was made. */
export const shippedCode = () => `code/${process.platform}-${process.arch}-${process.version}/`
