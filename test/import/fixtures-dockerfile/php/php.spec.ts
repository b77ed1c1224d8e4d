import type { Spec } from 'ocibake'

// Imported from php.Dockerfile.
export default {
  from: 'php:8.3-apache',
  steps: [
    { run: 'docker-php-ext-install pdo_mysql; a2enmod rewrite', shell: ['/bin/sh', '-c'] },
    {
      run: `{ \\
      echo 'opcache.memory_consumption=128'; \\
      echo 'opcache.validate_timestamps=0'; \\
    } > /usr/local/etc/php/conf.d/opcache.ini`,
      shell: ['/bin/sh', '-c'],
    },
    {
      run: [
        'set -eux',
        'savedAptMark="$(apt-mark showmanual)"',
        'apt-get update',
        'apt-get install -y --no-install-recommends libzip-dev',
        'rm -rf /var/lib/apt/lists/*',
        "apt-mark auto '.*' > /dev/null",
        '[ -z "$savedAptMark" ] || apt-mark manual $savedAptMark',
      ],
    },
    { copy: './', to: '/var/www/html', exclude: ['/php.spec.ts'] },
    { own: '/var/www/html', by: 'www-data:www-data' },
    { run: 'mkdir -p /html' },
  ],
  config: { workdir: '/html', healthcheck: 'none' },
} satisfies Spec
